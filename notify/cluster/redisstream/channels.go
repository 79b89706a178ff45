package redisstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

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
	changed chan struct{}  // has an element when subscribed may lack something

	mu         sync.Mutex      // guards the fields below
	wanted     map[string]bool // by channel: the server has confirmed it
	subscribed map[string]bool // by the present connection, perhaps not confirmed
	settled    chan struct{}   // closed when all are confirmed; nil: nobody waits
}

var _ peers.Channels = (*Channels)(nil)

const (
	// maxPublish bounds the bytes of one pipeline.
	maxPublish = 1 << 20
)

// OpenChannels returns the channels of a client, which have to be closed. It does not wait for the
// server.
func OpenChannels(c *Client) *Channels {
	s := &Channels{
		c: c, changed: make(chan struct{}, 1), wanted: map[string]bool{}, subscribed: map[string]bool{},
	}
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
		if _, known := s.wanted[name]; !known {
			s.wanted[name] = false
		}
	}
	s.mu.Unlock()
	s.change()
}

// Unsubscribe implements peers.Channels.
func (s *Channels) Unsubscribe(channels ...string) {
	s.mu.Lock()
	for _, name := range channels {
		delete(s.wanted, name)
	}
	s.settle()
	s.mu.Unlock()
	s.change()
}

func (s *Channels) change() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Wait implements peers.Channels. It waits for Timeout at most.
func (s *Channels) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	for {
		s.mu.Lock()
		if s.isSettled() {
			s.mu.Unlock()
			return nil
		}
		if s.settled == nil {
			s.settled = make(chan struct{})
		}
		settled := s.settled
		s.mu.Unlock()
		select {
		case <-settled:
		case <-s.life.Done():
			return ErrClosed
		case <-ctx.Done():
			return errors.Join(ErrUnavailable, ctx.Err())
		}
	}
}

func (s *Channels) isSettled() bool {
	for _, confirmed := range s.wanted {
		if !confirmed {
			return false
		}
	}
	return true
}

// settle wakes those that wait, if nothing is missing. The caller holds the lock.
func (s *Channels) settle() {
	if s.settled != nil && s.isSettled() {
		close(s.settled)
		s.settled = nil
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

// Subscribers implements peers.Channels. A server of a Redis Cluster knows only the subscriptions
// of its own connections.
func (s *Channels) Subscribers(ctx context.Context, channel string) (int, error) {
	var total atomic.Int64
	count := func(ctx context.Context, r *redis.Client) error {
		counts, err := r.PubSubNumSub(ctx, channel).Result()
		total.Add(counts[channel])
		return err
	}
	if s.c.cluster == nil {
		err := s.c.do(ctx, count)
		return int(total.Load()), err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err := s.c.result(s.c.cluster.ForEachMaster(ctx, count))
	return int(total.Load()), err
}
