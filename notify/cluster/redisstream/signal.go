package redisstream

import (
	"context"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// writeSignal adds an entry of a signal with an id, or * for the next one.
func (l *Log) writeSignal(ctx context.Context, s nodewire.Signal, id string) (streamID, error) {
	e := &nodewire.Entry{Type: nodewire.TypeSignal, UID: l.uid, Signal: s}
	f, err := e.Fields()
	if err != nil {
		return streamID{}, err
	}
	text, err := l.do(ctx, [][]any{l.add(f, id)})[0].Text()
	if err != nil {
		return streamID{}, err
	}
	added, ok := parseID(text)
	if !ok {
		return streamID{}, errReply
	}
	return added, nil
}

// isBelowTop reports whether the stream has entries after the id of one to add.
func isBelowTop(err error) bool {
	return err != nil && isReply(err) && strings.Contains(err.Error(), "equal or smaller")
}

// raise adds a signal after an id and all ids of its millisecond; after the zero id, with the next id of the
// stream. It reports false if the stream has later ones: another node was first.
func (l *Log) raise(ctx context.Context, s nodewire.Signal, after streamID) (bool, error) {
	id := "*"
	if after != (streamID{}) {
		id = after.next().String()
	}
	_, err := l.writeSignal(ctx, s, id)
	if isBelowTop(err) {
		return false, nil
	}
	return err == nil, err
}

// bump lets the ids continue with the next millisecond. The clock of the server has gone back: it
// counts in the last millisecond until then.
func (l *Log) bump(ctx context.Context) {
	// The next entry tries again after an error.
	_, _ = l.raise(ctx, nodewire.Signal{Kind: nodewire.SignalBump}, l.tail.at.id)
}

// signal returns the fork that another node has found, or the retained message that one has deleted.
func (l *Log) signal(e *nodewire.Entry) *notify.Batch {
	s, t := e.Signal, &l.tail
	if s.Kind == nodewire.SignalDelete {
		return &notify.Batch{Deleted: &s.Deleted}
	}
	if s.Kind != nodewire.SignalFork || s.From.Epoch != notify.StreamEpoch ||
		s.To.Epoch != notify.StreamEpoch {
		return nil
	}
	if t.fork != nil && s.From.Seq <= t.fork.From.Seq && s.To.Seq >= t.fork.To.Seq {
		t.fork = nil // it says the same
	}
	if e.UID == l.uid {
		return nil
	}
	return &notify.Batch{Fork: &notify.Fork{From: s.From, To: s.To}}
}

// writeFork tells other nodes, and those that start later, about a fork that this node has found.
func (l *Log) writeFork(ctx context.Context) error {
	s := l.tail.fork
	if s == nil {
		return nil
	}
	_, err := l.writeSignal(ctx, *s, "*")
	if err == nil {
		l.tail.fork = nil
	}
	return err
}
