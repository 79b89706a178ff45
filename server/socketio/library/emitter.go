package library

import "github.com/zishang520/engine.io/v2/events"

// emitter runs listeners and recovers their panics. The library runs the listeners of "connection"
// on a separate goroutine, where a panic would end the process.
type emitter struct {
	events.EventEmitter
	f *facade
	// after has functions that run after the listeners of an event.
	after map[events.EventName]func(args []any)
	// instead has functions that replace Emit for an event. They may call run.
	instead map[events.EventName]func(name events.EventName, args []any)
}

// Emit runs the listeners of an event in the order in which they were added.
func (e *emitter) Emit(name events.EventName, args ...any) {
	if instead := e.instead[name]; instead != nil {
		instead(name, args)
		return
	}
	e.run(name, args)
}

func (e *emitter) run(name events.EventName, args []any) {
	if after := e.after[name]; after != nil {
		defer after(args)
	}
	for _, listener := range e.Listeners(name) {
		if listener != nil {
			e.call(string(name)+" handler", listener, args)
		}
	}
}

func (e *emitter) call(where string, listener events.Listener, args []any) {
	defer e.f.recovered(where)
	listener(args...)
}
