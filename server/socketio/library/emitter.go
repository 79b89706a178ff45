package library

import (
	"sync"

	"github.com/zishang520/engine.io/v2/events"
)

// emitter runs listeners so that a panic of one ends nothing else. The library runs those of "connection" on a goroutine
// of its own, where a panic would end the process.
type emitter struct {
	events.EventEmitter
	f     *facade
	after map[events.EventName]func(args []any) // runs behind the listeners of an event

	once map[events.EventName]*sync.Once // events that are emitted once; never changed
}

// Emit runs the listeners of an event in the order in which they were added.
func (e *emitter) Emit(name events.EventName, args ...any) {
	if once := e.once[name]; once != nil {
		once.Do(func() { e.run(name, args) })
		return
	}
	e.run(name, args)
}

func (e *emitter) run(name events.EventName, args []any) {
	for _, listener := range e.Listeners(name) {
		if listener != nil {
			e.call(string(name)+" handler", listener, args)
		}
	}
	if after := e.after[name]; after != nil {
		after(args)
	}
}

func (e *emitter) call(where string, listener events.Listener, args []any) {
	defer e.f.recovered(where)
	listener(args...)
}

// newOnceEmitter emits these events once.
func newOnceEmitter(f *facade, inner events.EventEmitter, names ...events.EventName) *emitter {
	e := &emitter{EventEmitter: inner, f: f, once: map[events.EventName]*sync.Once{}, after: map[events.EventName]func([]any){}}
	for _, name := range names {
		e.once[name] = new(sync.Once)
	}
	return e
}
