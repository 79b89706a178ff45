package limit

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// silence is how long a connection may stay without a request when others need its descriptor. A
// client sends its request at once; browsers open connections in advance, and open them again.
const silence = time.Second

// silent is a connection that has sent no request yet, in Descriptors.silent.
type silent struct {
	conn  net.Conn
	since time.Time
}

// CloseSilent closes the connections that have sent no request for a second, and returns their
// number. The deadline for headers would close them later, and meanwhile a process without
// descriptors accepts nobody.
func (d *Descriptors) CloseSilent(now time.Time) int {
	if d == nil {
		return 0
	}
	var old []net.Conn
	d.mu.Lock()
	for e := d.silent.Front(); e != nil; e = e.Next() {
		s := e.Value.(silent)
		if now.Sub(s.since) < silence {
			break
		}
		old = append(old, s.conn)
	}
	d.mu.Unlock()
	for _, conn := range old {
		sockets.Reset(conn)
	}
	return len(old)
}

// listen adds a connection of a client to the silent ones.
func (p *place) listen(conn net.Conn) {
	if !p.ip.IsValid() {
		return
	}
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	p.silent = p.d.silent.PushBack(silent{conn, time.Now()})
}

// hear removes a connection that has sent a request, or is closed, from the silent ones.
func (p *place) hear() {
	if p.heard.Swap(true) {
		return
	}
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if p.silent != nil {
		p.d.silent.Remove(p.silent)
		p.silent = nil
	}
}

type connKey struct{}

// Hear makes a server note which connections have sent a request, for CloseSilent. Call it before
// serving.
func Hear(s *http.Server) {
	next := s.Handler
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if p, ok := sockets.Plain(c).(interface{ hear() }); ok {
			return context.WithValue(ctx, connKey{}, p)
		}
		return ctx
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := r.Context().Value(connKey{}).(interface{ hear() }); ok {
			p.hear()
		}
		next.ServeHTTP(w, r)
	})
}
