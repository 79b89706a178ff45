package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// UnaskedError is the error of Broadcast.Ask when it did not ask some clients, because too many
// events wait for them: errors.Is(err, ErrTooManyAsks) is true. It has asked the other clients.
type UnaskedError struct {
	Clients int // how many it did not ask
}

func (e *UnaskedError) Error() string {
	return fmt.Sprintf("socketio: %d clients were not asked: too many events wait for them",
		e.Clients)
}

func (e *UnaskedError) Unwrap() error { return ErrTooManyAsks }

// Ask sends an event to the selected Socket.IO clients and waits for the acknowledgement of each.
// It returns the answers that arrived, in no particular order. The error joins those that apply:
// the one of ctx if answers did not arrive in time, an *UnaskedError if clients were not asked,
// ErrClosed if a client left without an answer, and ErrUnanswered. The event is not stored: clients
// that connect later are not asked. See Conn.Ask for where to call it.
//
// The clients of other servers are asked for a minute at most. Their answers have one argument and
// no ClientID. An *OthersError says that some are missing, and wraps a *peers.SilentError with the number
// of servers that have not answered.
func (b Broadcast) Ask(ctx context.Context, event string, args ...any) ([]Answer, error) {
	q, err := newInquiry(event, args)
	if err != nil {
		return nil, err
	}
	answers, _, err := b.askAll(ctx, b.Conns(), q, func(Answer) bool { return true })
	return answers, err
}

// The bounds of one AskAll, because clients decide how long an answer is, and each client gets a
// packet of its own.
const (
	maxAskedBytes  = 64 << 20 // of all packets
	maxAnswerBytes = 64 << 10 // of one answer; a longer one is missing
	maxAnswersSize = 8 << 20  // of all answers; those after it are missing
)

// AskAll is Ask for an emission of a backend. missing are the ids of the clients without an answer,
// or with one that is too long, without those of other servers. The error is that of Ask. If it is a
// *notify.ValidationError or wraps notify.ErrUnavailable, and is no *OthersError, nobody was asked.
func (s *Server) AskAll(
	ctx context.Context, e notify.Emission,
) (answers []Answer, missing []string, err error) {
	if err := s.hub.Accepts(); err != nil {
		return nil, nil, err
	}
	to, err := s.hub.Recipients(e)
	if err != nil {
		return nil, nil, err
	}
	args, err := notify.SplitBinary(e.Args)
	if err != nil {
		return nil, nil, err
	}
	b := s.In(cmp.Or(e.Namespace, notify.RootNamespace))
	b.to, b.except = to.Rooms, to.Except
	conns := b.Conns()
	q := emittedInquiry(e.Event, args)
	if len(conns)*len(q.data) > maxAskedBytes {
		return nil, nil, &notify.ValidationError{Field: "args", Reason: fmt.Sprintf(
			"has %d bytes for each of %d clients, expected at most %d in all: emit without "+
				"acknowledgements", len(q.data), len(conns), maxAskedBytes)}
	}
	var size atomic.Int64
	answers, others, err := b.askAll(ctx, conns, q, func(a Answer) bool {
		return a.Size() <= maxAnswerBytes && size.Add(int64(a.Size())) <= maxAnswersSize
	})
	if len(answers) == 0 && !errors.Is(err, context.Canceled) {
		s.reportUnacknowledged(e, to, args, len(conns)+others)
	}
	answered := make(map[string]bool, len(answers))
	for _, a := range answers {
		answered[a.ClientID] = true
	}
	for _, c := range conns {
		if !answered[c.ID()] {
			missing = append(missing, c.ID())
		}
	}
	return answers, missing, err
}

// reportUnacknowledged tells the Hub about an emission that no client has acknowledged.
func (s *Server) reportUnacknowledged(
	e notify.Emission, to notify.Recipients, args notify.SplitArgs, asked int,
) {
	s.hub.ReportUndelivered(notify.Undelivered{Message: &notify.Message{
		Namespace: cmp.Or(e.Namespace, notify.RootNamespace), Rooms: to.Rooms, Except: to.Except,
		Type: e.Event, Args: args.Inline, Timestamp: time.Now(), Volatile: true,
	}, Rooms: to.Rooms, Asked: asked})
}

// askAll asks clients and waits for their answers. It drops those that keep does not keep.
func askAll(
	ctx context.Context, conns []*Conn, q inquiry, keep func(Answer) bool,
) ([]Answer, error) {
	type result struct {
		answer Answer
		err    error
	}
	results := make(chan result, len(conns))
	asked := make([]asked, 0, len(conns))
	defer func() {
		for _, a := range asked {
			a.forget()
		}
	}()
	var (
		late, left, unanswered error
		unasked                UnaskedError
	)
	for _, c := range conns {
		a, err := c.ask(q, func(answer Answer, err error) {
			if err == nil && !keep(answer) {
				answer, err = Answer{}, ErrUnanswered
			}
			results <- result{answer, err}
		})
		switch {
		case errors.Is(err, ErrClosed): // it has left since Conns
			left = err
		case errors.Is(err, ErrTooManyAsks):
			unasked.Clients++
		case err != nil:
			return nil, err
		default:
			asked = append(asked, a)
		}
	}
	answers := make([]Answer, 0, len(conns))
	for waiting := len(asked); waiting > 0 && late == nil; waiting-- {
		select {
		case r := <-results:
			switch {
			case r.err == nil:
				answers = append(answers, r.answer)
			case errors.Is(r.err, ErrUnanswered):
				unanswered = r.err
			default:
				left = r.err
			}
		case <-ctx.Done():
			late = ctx.Err()
		}
	}
	if unasked.Clients > 0 {
		return answers, errors.Join(late, &unasked, left, unanswered)
	}
	return answers, errors.Join(late, left, unanswered)
}
