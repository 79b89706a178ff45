//go:build unix

package sse

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// A yield ends, also when several goroutines use one yielder in turn.
func TestYield(t *testing.T) {
	var y yielder
	var mu sync.Mutex
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for range 500 {
				mu.Lock()
				y.yield()
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if y.in == nil {
		t.Fatal("there was no pipe to wait for")
	}
	_, _ = y.in.Close(), y.out.Close()
}

// The shared writers write every message once and in order, to more streams than they take at once.
func TestSharedWriters(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	srv := r.serve(t, taken)
	var clients []*client
	for i := range 2 * takeAtOnce * takesPerYield {
		clients = append(clients, open(t, fmt.Sprintf("%s/sse?userId=u%d", srv.URL, i)))
	}
	var ids []string
	for range 100 {
		ids = append(ids, r.publish(t, notify.Notification{Type: "t"}, notify.ToAll()))
	}
	for _, c := range clients {
		for _, id := range ids {
			if e := c.want("t"); e.id != id {
				t.Fatalf("got %s, want %s", e.id, id)
			}
		}
	}
}

// Only sockets have a descriptor: a type with a Write of its own has a reason for it.
func TestDescriptor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if descriptor(conn) < 0 {
		t.Error("a TCP connection has none")
	}
	if fd := descriptor(struct{ *net.TCPConn }{conn.(*net.TCPConn)}); fd >= 0 {
		t.Errorf("a wrapped connection has %d", fd)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if fd := descriptor(a); fd >= 0 {
		t.Errorf("a pipe has %d", fd)
	}
}
