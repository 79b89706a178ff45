package hooks

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A handler that dies while many clients send events, and comes back: until then every event is
// acknowledged as unavailable, afterwards all is well, and nothing is left behind. The test compares
// the goroutines of the process, so it is not parallel. ROOMCAST_SOAK=1 runs it at full size.
func TestHandlerDiesAndComesBack(t *testing.T) {
	clients, down := 40, 100*time.Millisecond
	if os.Getenv("ROOMCAST_SOAK") != "" {
		clients, down = 1000, 5*time.Second
	}
	handler := restartable(t)
	s := newStack(t, func(o *Options) { o.Events.URLs["/"] = "http://" + handler.address + "/" })
	handler.serves.Store(s.app)
	s.app.answers(func(w http.ResponseWriter, r received) {
		saying(200, "application/json", `{"ack":`+string(r.Data.Args)+`}`)(w, r)
	})
	const few = 10 // which the server starts once, with the first client
	goroutines, files := runtime.NumGoroutine(), openFiles()
	all := make([]*servertest.WebSocket, clients)
	for i := range all {
		all[i], _ = s.Connect(fmt.Sprintf(`{"userId":"u%d"}`, i))
	}
	n := 0
	round := func() (unavailable int) {
		n++
		for _, c := range all {
			c.Send(fmt.Sprintf(`42%d["n",%d]`, n, n))
		}
		for _, c := range all {
			switch got := c.Read(); got {
			case fmt.Sprintf(`43%d[%d]`, n, n):
			case fmt.Sprintf(`43%d[{"error":{"code":"unavailable"}}]`, n):
				unavailable++
			default:
				t.Fatalf("event %d: got %s", n, got)
			}
		}
		return unavailable
	}
	if bad := round(); bad > 0 {
		t.Fatalf("%d of %d events failed at the start", bad, clients)
	}
	handler.stop()
	for start := time.Now(); time.Since(start) < down; {
		if bad := round(); bad != clients {
			t.Fatalf("%d of %d events were answered without a handler", clients-bad, clients)
		}
	}
	handler.start(t)
	servertest.Eventually(t, "all events are answered again", func() bool { return round() == 0 })
	for _, c := range all {
		_ = c.Conn.Close()
	}
	servertest.Eventually(t, "nothing is left", func() bool {
		s.hooks.sender.client.CloseIdleConnections()
		return runtime.NumGoroutine() <= goroutines+few && openFiles() <= files+few
	})
	if lines := s.logs.FilterMessage("hook failed").Len(); lines > 2 { // refused, and a reset
		t.Errorf("%d log lines", lines)
	}
}

// openFiles returns the number of open files of the process, 0 where it is not known.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// listener is an HTTP server that can stop and start again at the same address.
type listener struct {
	address string
	serves  atomic.Pointer[application]
	server  *http.Server
	ended   chan struct{}
}

func restartable(t *testing.T) *listener {
	l := &listener{address: "127.0.0.1:0"}
	l.start(t)
	t.Cleanup(l.stop)
	return l
}

func (l *listener) start(t *testing.T) {
	t.Helper()
	var in net.Listener
	servertest.Eventually(t, "the port is free", func() (ok bool) {
		var err error
		if in, err = net.Listen("tcp", l.address); err != nil && !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
		return err == nil
	})
	l.address, l.server, l.ended = in.Addr().String(), &http.Server{Handler: l}, make(chan struct{})
	go func() {
		defer close(l.ended)
		_ = l.server.Serve(in)
	}()
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.serves.Load().ServeHTTP(w, r)
}

func (l *listener) stop() {
	_ = l.server.Close()
	<-l.ended
}
