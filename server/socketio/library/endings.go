package library

import (
	"sync"

	"github.com/zishang520/engine.io/v2/events"
)

// endings emits one "disconnecting" and one "disconnect" for each Socket, after its "connection"
// handlers. These handlers register the listeners, and another goroutine may end the Socket before
// they have run.
type endings struct {
	emitter *emitter // of the Socket
	joined  chan struct{}

	mu      sync.Mutex
	open    bool // the "connection" handlers have run and no event is held
	held    []ending
	emitted map[events.EventName]bool
}

type ending struct {
	name events.EventName
	args []any
}

func newEndings(e *emitter) *endings {
	s := &endings{emitter: e, joined: make(chan struct{}), emitted: map[events.EventName]bool{}}
	e.instead = map[events.EventName]func(events.EventName, []any){"disconnecting": s.emit,
		"disconnect": s.emit}
	return s
}

func (s *endings) emit(name events.EventName, args []any) {
	s.mu.Lock()
	if s.emitted[name] {
		s.mu.Unlock()
		return
	}
	s.emitted[name] = true
	if !s.open {
		s.held = append(s.held, ending{name, args})
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.emitter.run(name, args)
}

// join emits the held events. The emitter calls it when the "connection" handlers have run.
func (s *endings) join() {
	for {
		s.mu.Lock()
		if len(s.held) == 0 {
			if !s.open {
				s.open = true
				close(s.joined)
			}
			s.mu.Unlock()
			return
		}
		next := s.held[0]
		s.mu.Unlock()
		s.emitter.run(next.name, next.args)
		s.mu.Lock()
		s.held = s.held[1:]
		s.mu.Unlock()
	}
}

// isDisconnecting reports whether "disconnecting" is held or its listeners run. Until they return,
// the client still has its rooms.
func (s *endings) isDisconnecting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held) > 0 && s.held[0].name == "disconnecting"
}
