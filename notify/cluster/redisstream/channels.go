package redisstream

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	// quietTime is how long nothing has to arrive until the connection is tested.
	quietTime = 5 * time.Second
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

// listen keeps the channels subscribed until the end.
func (s *Channels) listen() {
	for wait := newBackoff(); ; {
		err := s.connect(func() { wait = newBackoff() })
		if s.life.Err() != nil {
			return
		}
		_ = s.c.result(err) // logs it
		if !wait.sleep(s.life, s.c.life) {
			return
		}
	}
}

// connect receives messages on one connection until it breaks.
func (s *Channels) connect(ready func()) error {
	for !s.wantsSome() { // go-redis connects for a channel
		select {
		case <-s.changed:
		case <-s.life.Done():
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(s.life, Timeout)
	server, err := s.c.server(ctx)
	cancel()
	if err != nil {
		return err
	}
	sub := server.Subscribe(s.life)
	ended := make(chan struct{})
	var adjusting sync.WaitGroup
	defer adjusting.Wait()
	defer close(ended)
	defer sub.Close()
	defer context.AfterFunc(s.life, func() { _ = sub.Close() })() // ends a read
	defer s.lost()
	if err := s.adjust(sub); err != nil {
		return err
	}
	adjusting.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-s.changed:
				if s.adjust(sub) != nil {
					_ = sub.Close()
					return
				}
			}
		}
	})
	return s.read(sub, ready)
}

func (s *Channels) wantsSome() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.wanted) > 0
}

// adjust subscribes what is missing, and unsubscribes what is too much.
func (s *Channels) adjust(sub *redis.PubSub) error {
	s.mu.Lock()
	var more, less []string
	for name := range s.wanted {
		if !s.subscribed[name] {
			more = append(more, name)
		}
	}
	for name := range s.subscribed {
		if _, wanted := s.wanted[name]; !wanted {
			less = append(less, name)
		}
	}
	for _, name := range more {
		s.subscribed[name] = true
	}
	for _, name := range less {
		delete(s.subscribed, name)
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.life, Timeout)
	defer cancel()
	if len(less) > 0 {
		if err := sub.Unsubscribe(ctx, less...); err != nil {
			return err
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		return sub.Subscribe(ctx, more...)
	}
	return nil
}

// read receives messages until the connection breaks.
func (s *Channels) read(sub *redis.PubSub, ready func()) error {
	for isTested := false; ; {
		got, err := sub.ReceiveTimeout(s.life, quietTime)
		var timeout net.Error
		switch {
		case err == nil:
			isTested = false
		case errors.As(err, &timeout) && timeout.Timeout() && !isTested:
			isTested = true
			if err := sub.Ping(s.life); err != nil {
				return err
			}
		default:
			return err
		}
		switch message := got.(type) {
		case *redis.Subscription:
			ready()
			s.confirm(message)
		case *redis.Message:
			s.receive(message.Channel, []byte(message.Payload))
		}
	}
}

// confirm notes what the server has confirmed. An old confirmation of a channel that is not
// subscribed now says nothing.
func (s *Channels) confirm(m *redis.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, wanted := s.wanted[m.Channel]; wanted && s.subscribed[m.Channel] {
		s.wanted[m.Channel] = m.Kind == "subscribe"
		s.settle()
	}
}

// lost notes that no connection is subscribed.
func (s *Channels) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range maps.Keys(s.wanted) {
		s.wanted[name] = false
	}
	clear(s.subscribed)
}
