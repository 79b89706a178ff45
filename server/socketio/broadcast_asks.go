package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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
func (b Broadcast) Ask(ctx context.Context, event string, args ...any) ([]Answer, error) {
	q, err := newInquiry(event, args)
	if err != nil {
		return nil, err
	}
	return askAll(ctx, b.Conns(), q)
}

// AskAll is Ask for an emission of a backend. missing are the ids of the clients without an answer.
// The error is that of Ask, or a *notify.ValidationError.
func (s *Server) AskAll(
	ctx context.Context, e notify.Emission,
) (answers []Answer, missing []string, err error) {
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
	answers, err = askAll(ctx, conns, emittedInquiry(e.Event, args))
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

// askAll asks clients and waits for their answers.
func askAll(ctx context.Context, conns []*Conn, q inquiry) ([]Answer, error) {
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
