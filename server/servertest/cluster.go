package servertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// SharedSessions is a notify.SharedSessions in memory.
type SharedSessions struct {
	mu    sync.Mutex
	byKey map[string]sharedSession
	void  map[string]string // the last one by user
	down  bool
	delay time.Duration
}

type sharedSession struct {
	notify.Session
	expires time.Time
}

// NewSharedSessions returns a store without sessions.
func NewSharedSessions() *SharedSessions {
	return &SharedSessions{byKey: map[string]sharedSession{}, void: map[string]string{}}
}

// SetDown lets all calls fail, or succeed again.
func (s *SharedSessions) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// SetDelay lets Save take so long.
func (s *SharedSessions) SetDelay(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = delay
}

// All returns the sessions that there are.
func (s *SharedSessions) All() map[string]notify.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]notify.Session{}
	for key, of := range s.byKey {
		all[key] = of.Session
	}
	return all
}

// lock removes what has expired. It returns an error without a store.
func (s *SharedSessions) lock(ctx context.Context) error {
	s.mu.Lock()
	if s.down {
		return errors.New("dial tcp 10.0.0.7:6379: connection refused")
	}
	now := time.Now()
	maps.DeleteFunc(s.byKey, func(_ string, of sharedSession) bool { return !now.Before(of.expires) })
	return ctx.Err()
}

func (s *SharedSessions) put(of notify.Session, ttl time.Duration) {
	of.Expires = time.Time{}
	s.byKey[of.Key] = sharedSession{of, time.Now().Add(ttl)}
}

// Load implements notify.SharedSessions.
func (s *SharedSessions) Load(ctx context.Context, key string) (notify.Session, error) {
	err := s.lock(ctx)
	defer s.mu.Unlock()
	of, ok := s.byKey[key]
	void := s.void[of.UserID]
	switch {
	case err != nil:
		return notify.Session{}, err
	case !ok:
		return notify.Session{}, notify.ErrNoSession
	case void != "" && of.Void != void:
		return notify.Session{}, notify.ErrVoidSession
	}
	return of.Session, nil
}

// Take implements notify.SharedSessions.
func (s *SharedSessions) Take(
	ctx context.Context, taken notify.Session, ttl time.Duration,
) (notify.Session, error) {
	err := s.lock(ctx)
	defer s.mu.Unlock()
	before, ok := s.byKey[taken.Key]
	switch {
	case err != nil:
		return notify.Session{}, err
	case !ok:
		return notify.Session{}, notify.ErrNoSession
	}
	s.put(taken, ttl)
	return before.Session, nil
}

// Save implements notify.SharedSessions.
func (s *SharedSessions) Save(
	ctx context.Context, changed []notify.Session, ended []string, ttl time.Duration,
) error {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	err := s.lock(ctx)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	for i := range changed {
		of := &changed[i]
		if of.UserID != "" && of.Void == "" {
			of.Void = cmp.Or(s.void[of.UserID], "none")
		}
		if of.ClientID != "" {
			s.put(*of, ttl)
		}
	}
	for _, key := range ended {
		delete(s.byKey, key)
	}
	return nil
}

// Keep implements notify.SharedSessions.
func (s *SharedSessions) Keep(
	ctx context.Context, keys []string, ttl time.Duration,
) (all []notify.Session, err error) {
	err = s.lock(ctx)
	defer s.mu.Unlock()
	for _, key := range keys {
		if of, ok := s.byKey[key]; ok && err == nil {
			s.put(of.Session, ttl)
			all = append(all, of.Session)
		}
	}
	return all, err
}

// Void implements notify.SharedSessions.
func (s *SharedSessions) Void(ctx context.Context, userID string, _ time.Duration) error {
	err := s.lock(ctx)
	defer s.mu.Unlock()
	if err == nil {
		s.void[userID] = rand.Text()
	}
	return err
}

// Bus carries questions between the Hubs of one process.
type Bus struct {
	mu    sync.Mutex
	nodes map[string]map[string]func([]byte) []byte // by name and kind
	cut   bool
}

// NewBus returns a Bus without nodes.
func NewBus() *Bus { return &Bus{nodes: map[string]map[string]func([]byte) []byte{}} }

// Node returns the connection of a node.
func (b *Bus) Node(name string) notify.Peers {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes[name] = map[string]func([]byte) []byte{}
	return busNode{b, name}
}

// Cut loses all questions from now on, or no more.
func (b *Bus) Cut(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
}

// Remove ends a node, as kill -9 does.
func (b *Bus) Remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.nodes, name)
}

type busNode struct {
	b    *Bus
	name string
}

// Tell implements notify.Peers.
func (n busNode) Tell(ctx context.Context, kind string, message []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.b.mu.Lock()
	var handlers []func([]byte) []byte
	for name, kinds := range n.b.nodes {
		if handler := kinds[kind]; handler != nil && name != n.name && !n.b.cut {
			handlers = append(handlers, handler)
		}
	}
	n.b.mu.Unlock()
	for _, handler := range handlers {
		handler(message)
	}
	return nil
}

// Ask implements notify.Peers.
func (n busNode) Ask(ctx context.Context, node, kind string, question []byte) ([]byte, error) {
	n.b.mu.Lock()
	kinds, ok := n.b.nodes[node]
	answer, cut := kinds[kind], n.b.cut
	n.b.mu.Unlock()
	switch {
	case cut || ok && answer == nil:
		<-ctx.Done()
		return nil, ctx.Err()
	case !ok:
		return nil, notify.ErrNoPeer
	}
	return answer(question), nil
}

// Handle implements notify.Peers.
func (n busNode) Handle(kind string, answer func([]byte) []byte) {
	n.b.mu.Lock()
	defer n.b.mu.Unlock()
	n.b.nodes[n.name][kind] = answer
}
