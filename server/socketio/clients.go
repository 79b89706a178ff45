package socketio

import "sync"

// clients is the set of open clients.
type clients struct {
	mu  sync.Mutex
	set map[*client]struct{}
}

func (s *clients) add(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[*client]struct{})
	}
	s.set[c] = struct{}{}
}

func (s *clients) remove(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, c)
}

func (s *clients) all() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*client, 0, len(s.set))
	for c := range s.set {
		all = append(all, c)
	}
	return all
}
