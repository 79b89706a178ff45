package library

import (
	"sync"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/socketio"
)

// event runs the listeners of an event. It first waits for the "connection" handlers, which
// register them.
func (p *peer) event(e *socketio.Event) (handled bool) {
	<-p.endings.joined
	args, err := e.Values()
	if err != nil {
		p.conn.Drop()
		return true
	}
	if !p.sock.Connected() {
		return true
	}
	event := append([]any{e.Name}, buffers(args)...)
	if e.WantsAck() {
		event = append(event, socket.Ack(func(values []any, _ error) { e.Ack(values...) }))
	}
	for _, listener := range p.sock.ListenersAny() {
		handled = true
		listener(event...)
	}
	return p.use(event, middlewaresOf(p.sock)) || handled
}

// use runs the functions given to socket.Use, then the handlers. Each function may change the
// event. An error becomes the "error" event of the Socket. A function may also answer after it
// returns, or never: the client's next event does not wait for it.
func (p *peer) use(event []any, fns []socket.SocketMiddleware) (handled bool) {
	for i, f := range fns {
		answered, err := callOne(f, event, func(err error) {
			p.conn.Do(func() {
				if err != nil {
					p.sock.EmitReserved("error", err)
					return
				}
				p.use(event, fns[i+1:])
			})
		})
		if err != nil {
			p.sock.EmitReserved("error", err)
		}
		if err != nil || !answered {
			return true
		}
	}
	return p.handle(event)
}

// callOne runs one function and returns its answer if it answers before it returns. It passes a
// later answer to later. Only the first answer counts.
func callOne(f socket.SocketMiddleware, event []any, later func(error)) (answered bool, err error) {
	var (
		mu               sync.Mutex
		called, returned bool
		answer           error
	)
	f(event, func(err error) {
		mu.Lock()
		first, late := !called, returned
		if first {
			called, answer = true, err
		}
		mu.Unlock()
		if first && late {
			later(err)
		}
	})
	mu.Lock()
	defer mu.Unlock()
	returned = true
	return called, answer
}

// handle runs the handlers of an event unless the client has left.
func (p *peer) handle(event []any) (handled bool) {
	if !p.sock.Connected() {
		return true
	}
	for _, listener := range p.sock.Listeners(event[0].(string)) {
		handled = true
		listener(event[1:]...)
	}
	return handled
}

// buffers replaces each []byte with the library's type for binary data.
func buffers(values []any) []any {
	for i, v := range values {
		values[i] = buffer(v)
	}
	return values
}

func buffer(v any) any {
	switch t := v.(type) {
	case []byte:
		return types.NewBytesBuffer(t)
	case []any:
		return buffers(t)
	case map[string]any:
		for key, value := range t {
			t[key] = buffer(value)
		}
	}
	return v
}
