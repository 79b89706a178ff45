package redisstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
)

// write is the writer: it sends the calls that wait, many at once, until the queue is closed.
func (l *Log) write() {
	defer close(l.written)
	for {
		calls, closed := l.queue.Take()
		switch {
		case len(calls) > 0:
			l.send(calls)
		case closed:
			return
		default:
			<-l.queue.Filled
		}
	}
}

// send sends calls and gives them their replies.
func (l *Log) send(calls []*call) {
	ctx, cancel := context.WithTimeout(l.c.life, Timeout)
	defer cancel()
	var commands [][]any
	for _, c := range calls {
		commands = append(commands, c.commands...)
	}
	if l.o.Replicate {
		commands = append(commands, []any{"wait", 1, replicaTimeout.Milliseconds()})
	}
	replies := l.do(ctx, commands)
	var late error
	if l.o.Replicate {
		late = l.replicated(replies[len(replies)-1])
	}
	for _, c := range calls {
		own := replies[:len(c.commands)]
		replies = replies[len(c.commands):]
		ids, err := l.result(c, own)
		if err == nil {
			err = late
		}
		if err != nil {
			l.pending.fail(c, err)
			continue
		}
		l.pending.reply(c, ids)
	}
}

// do sends commands to the server that has the stream, on one connection, and returns them with their
// replies or errors.
func (l *Log) do(ctx context.Context, commands [][]any) []*redis.Cmd {
	replies := l.try(ctx, commands)
	if isMoved(replies) && l.c.reload(ctx) { // none was carried out
		replies = l.try(ctx, commands)
	}
	return replies
}

func (l *Log) try(ctx context.Context, commands [][]any) []*redis.Cmd {
	server, err := l.c.server(ctx)
	replies := make([]*redis.Cmd, len(commands))
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotSent, l.c.result(err))
		for i, command := range commands {
			replies[i] = redis.NewCmd(ctx, command...)
			replies[i].SetErr(err)
		}
		return replies
	}
	pipe := server.Pipeline()
	for i, command := range commands {
		replies[i] = pipe.Do(ctx, command...)
	}
	_, _ = pipe.Exec(ctx)
	// The last one has the error of the connection, if there is one.
	last := replies[len(replies)-1]
	if err := last.Err(); err == nil || isReply(err) {
		_ = l.c.result(nil)
	} else {
		err = l.c.result(err)
		for _, reply := range replies {
			if failed := reply.Err(); failed != nil && !isReply(failed) {
				reply.SetErr(notSent(failed, err))
			}
		}
	}
	return replies
}

// isReply reports whether an error is one that the server has replied.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// errNotSent is the error of a command that the server has not got.
var errNotSent = errors.New("not sent")

// notSent marks an error of a command for which there was no connection.
func notSent(cause, err error) error {
	var dial *dialError
	if errors.As(cause, &dial) || errors.Is(cause, redis.ErrPoolTimeout) {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	return err
}

func isMoved(replies []*redis.Cmd) bool {
	for _, reply := range replies {
		if _, moved := redis.IsMovedError(reply.Err()); moved {
			return true
		}
	}
	return false
}

// result returns the ids of the messages of a call.
func (l *Log) result(c *call, replies []*redis.Cmd) ([]notify.ID, error) {
	last := replies[len(replies)-1]
	switch err := last.Err(); {
	case err == nil:
	case isReply(err):
		for _, reply := range replies { // that of EXEC does not say why
			if err := reply.Err(); err != nil {
				return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, l.c.clean(err))
			}
		}
	case errors.Is(err, errNotSent):
		return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, err)
	default:
		return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, err)
	}
	var texts []any
	switch reply := last.Val().(type) {
	case string:
		texts = []any{reply}
	case []any:
		texts = reply
	}
	if c.claim != nil {
		if len(texts) != 2 {
			return nil, errReply
		}
		if old, ok := texts[1].(string); ok {
			return nil, &notify.ClaimedError{Value: []byte(old[min(len(old), expirySize):])}
		}
		texts, _ = texts[1].([]any)
	}
	return readIDs(texts, len(c.messages))
}

// readIDs reads the ids of n messages.
func readIDs(texts []any, n int) ([]notify.ID, error) {
	if len(texts) != n {
		return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, errReply)
	}
	ids := make([]notify.ID, n)
	for i := range texts {
		text, _ := texts[i].(string)
		id, _ := parseID(text)
		var ok bool
		if ids[i], ok = id.id(); !ok {
			return nil, fmt.Errorf("%w: id %.40q of the stream cannot be that of a message",
				notify.ErrUncertain, text)
		}
	}
	return ids, nil
}

// replicated returns an error if no replica has the messages.
func (l *Log) replicated(reply *redis.Cmd) error {
	n, err := reply.Int()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", notify.ErrUncertain, l.c.clean(err))
	case n < 1:
		return fmt.Errorf("%w: no replica has stored it after %v", notify.ErrUncertain, replicaTimeout)
	}
	return nil
}
