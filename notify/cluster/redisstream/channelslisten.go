package redisstream

import (
	"context"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// subscribeStep is how many channels one command names.
const subscribeStep = 1024

// listen keeps the channels subscribed until the end.
func (s *Channels) listen() { s.c.keep(s.life, s.connect) }

// connect receives messages on one connection until it breaks, or ctx ends.
func (s *Channels) connect(ctx context.Context, ready func()) error {
	for !s.wantsSome() { // go-redis connects for a channel
		select {
		case <-s.changed:
		case <-ctx.Done():
			return nil
		}
	}
	start, cancel := context.WithTimeout(ctx, s.c.timeout)
	server, err := s.c.server(start)
	cancel()
	if err != nil {
		return err
	}
	sub := server.Subscribe(ctx)
	ended := make(chan struct{})
	var adjusting sync.WaitGroup
	defer s.lost() // after adjusting, which would note what the next connection does not have
	defer adjusting.Wait()
	defer close(ended)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // ends a read
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
	return receiveAll(ctx, sub, func(got any) {
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
	for _, of := range s.all {
		if of.wanted {
			return true
		}
	}
	return false
}

// adjust subscribes what is missing, and unsubscribes what is too much.
func (s *Channels) adjust(sub *redis.PubSub) error {
	more, less := s.takeChanges()
	ctx, cancel := context.WithTimeout(s.life, s.c.timeout)
	defer cancel()
	for some := range slices.Chunk(less, subscribeStep) {
		if err := sub.Unsubscribe(ctx, some...); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(more, subscribeStep) {
		if err := sub.Subscribe(ctx, some...); err != nil {
			return err
		}
	}
	return nil
}

// takeChanges returns the channels to subscribe and to unsubscribe, and notes that this is sent.
func (s *Channels) takeChanges() (more, less []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.changes {
		of.listed = false
		switch {
		case of.wanted == of.sent:
		case of.wanted:
			more = append(more, of.name)
			of.open++
		default:
			less = append(less, of.name)
			of.open++
		}
		of.sent = of.wanted
		s.tidy(of)
	}
	s.changes = nil
	return more, less
}

// tidy forgets a subscription that nobody wants and the connection does not have. The caller holds the
// lock.
func (s *Channels) tidy(of *subscription) {
	if !of.wanted && !of.sent && of.open == 0 && !of.listed {
		delete(s.all, of.name)
	}
}

// confirm notes what the server has confirmed. It confirms commands in their order, so the last one
// counts.
func (s *Channels) confirm(m *redis.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.all[m.Channel]
	if of == nil || of.open == 0 {
		return
	}
	of.open--
	of.wake()
	s.tidy(of)
}

// lost notes that no connection is subscribed.
func (s *Channels) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.all {
		of.sent, of.open = false, 0
		if of.wanted {
			s.list(of)
		}
		s.tidy(of)
	}
}
