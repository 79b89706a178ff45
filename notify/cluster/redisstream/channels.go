package redisstream

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/peers"
)

// Channels is the peers.Channels of a client: one connection that is subscribed to all channels,
// and that is replaced when it breaks.
type Channels struct {
	c       *Client
	receive func(channel string, payload []byte)

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // goroutines
	changed chan struct{}  // has an element when there may be changes

	mu      sync.Mutex // guards the fields below, and what they have
	all     map[string]*subscription
	changes []*subscription // those that the connection may have to change, each once
}

// subscription is a channel that somebody wants, or that the connection may still have.
type subscription struct {
	name   string
	wanted bool
	sent   bool // the present connection has sent SUBSCRIBE, and not UNSUBSCRIBE after that
	open   int  // commands of the present connection that the server has not confirmed
	listed bool // it is in changes

	settled chan struct{} // closed when isSettled; nil: nobody waits
}

var _ peers.Channels = (*Channels)(nil)

// maxPublish bounds the bytes that one request publishes.
const maxPublish = 1 << 20

// OpenChannels returns the channels of a client, which have to be closed. It does not wait for the
// server.
func OpenChannels(c *Client) *Channels {
	s := &Channels{c: c, changed: make(chan struct{}, 1), all: map[string]*subscription{}}
	s.life, s.end = context.WithCancel(c.life)
	return s
}

// Receive implements peers.Channels.
func (s *Channels) Receive(f func(channel string, payload []byte)) {
	s.receive = f
	s.running.Go(s.listen)
}

// Close ends the connection.
func (s *Channels) Close() {
	s.end()
	s.running.Wait()
}

// Subscribe implements peers.Channels.
func (s *Channels) Subscribe(channels ...string) {
	s.mu.Lock()
	for _, name := range channels {
		of := s.all[name]
		if of == nil {
			of = &subscription{name: name}
			s.all[name] = of
		}
		of.wanted = true
		s.list(of)
	}
	s.mu.Unlock()
	s.change()
}

// Unsubscribe implements peers.Channels.
func (s *Channels) Unsubscribe(channels ...string) {
	s.mu.Lock()
	for _, name := range channels {
		if of := s.all[name]; of != nil {
			of.wanted = false
			of.wake()
			s.list(of)
		}
	}
	s.mu.Unlock()
	s.change()
}

// list notes that the connection may have to change a subscription. The caller holds the lock.
func (s *Channels) list(of *subscription) {
	if !of.listed {
		of.listed = true
		s.changes = append(s.changes, of)
	}
}

func (s *Channels) change() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Wait implements peers.Channels. It waits for Timeout at most.
func (s *Channels) Wait(ctx context.Context, channel string, more ...string) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.timeout)
	defer cancel()
	for _, name := range append([]string{channel}, more...) {
		for settled := s.unsettled(name); settled != nil; settled = s.unsettled(name) {
			select {
			case <-settled:
			case <-s.life.Done():
				return ErrClosed
			case <-ctx.Done():
				return errors.Join(ErrUnavailable, ctx.Err())
			}
		}
	}
	return nil
}

// unsettled returns a channel that is closed when a subscription is settled, nil if it is.
func (s *Channels) unsettled(name string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.all[name]
	if of == nil || of.isSettled() {
		return nil
	}
	if of.settled == nil {
		of.settled = make(chan struct{})
	}
	return of.settled
}

// isSettled reports whether the server has confirmed the subscription, or nobody wants it.
func (of *subscription) isSettled() bool { return !of.wanted || of.sent && of.open == 0 }

// wake wakes those that wait, if the subscription is settled.
func (of *subscription) wake() {
	if of.settled != nil && of.isSettled() {
		close(of.settled)
		of.settled = nil
	}
}

// Publish implements peers.Channels.
func (s *Channels) Publish(ctx context.Context, messages ...peers.Message) error {
	for len(messages) > 0 {
		n, size := 0, 0
		for n < len(messages) && (n == 0 || size+len(messages[n].Payload) <= maxPublish) {
			size += len(messages[n].Payload)
			n++
		}
		err := s.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
			_, err := r.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, m := range messages[:n] {
					p.Publish(ctx, m.Channel, m.Payload)
				}
				return nil
			})
			return err
		})
		if err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// Subscribers implements peers.Channels.
func (s *Channels) Subscribers(ctx context.Context, channels ...string) ([]int, error) {
	return s.c.subscribers(ctx, channels...)
}
