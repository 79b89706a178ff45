package redisstream

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// listen keeps the channels subscribed until the end.
func (s *Channels) listen() { s.c.keep(s.life, s.connect) }

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
	return receiveAll(s.life, sub, func(got any) {
		switch message := got.(type) {
		case *redis.Subscription:
			ready()
			s.confirm(message)
		case *redis.Message:
			s.receive(message.Channel, []byte(message.Payload))
		}
	})
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
