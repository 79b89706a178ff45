package engineio

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
)

// idleEnv makes the test binary a client process; its value is "<address> <connections>".
const idleEnv = "ENGINEIO_TEST_CLIENTS"

// idleClients opens WebSockets, prints a line when all have their OPEN packet, and discards all
// input until its standard input closes.
func idleClients() int {
	var addr string
	var n int
	if _, err := fmt.Sscan(os.Getenv(idleEnv), &addr, &n); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var opened sync.WaitGroup
	gate := make(chan struct{}, 64)
	for range n {
		gate <- struct{}{}
		opened.Add(1)
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Fprint(conn, "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\n"+
			"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"+
			"Origin: http://localhost\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"+
			"Accept-Language: en\r\nAccept-Encoding: gzip\r\n\r\n")
		go func() {
			r := bufio.NewReaderSize(conn, 512)
			if _, err := http.ReadResponse(r, nil); err == nil {
				_, _ = r.ReadByte() // of the OPEN packet
			}
			opened.Done()
			<-gate
			buf := make([]byte, 16<<10)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	opened.Wait()
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// withClients runs f while another process holds n WebSockets open.
func withClients(t testing.TB, s *Server, n int, f func()) {
	t.Helper()
	ts := httptest.NewServer(s)
	defer ts.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", idleEnv, ts.Listener.Addr(), n))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the clients printed %q, %v", line, err)
	}
	f()
	in.Close()
	_ = cmd.Wait()
	for _, session := range s.snapshot() {
		<-session.Context().Done()
	}
}

// nobody is a handler for sessions that only receive.
type nobody struct{}

func (nobody) Message([]byte, bool) {}
func (nobody) Close(string)         {}

// TestIdleSessionMemory measures the memory of 1,000 idle WebSockets. It checks that they have no
// goroutines on Linux, and elsewhere one each.
func TestIdleSessionMemory(t *testing.T) {
	const n = 1000
	each, most := int64(1), int64(7<<10)
	if runtime.GOOS == "linux" {
		each, most = 0, 4<<10
	}
	s := New(Options{Accept: func(*Session) (Handler, error) { return nobody{}, nil }})
	var before, after runtime.MemStats
	measure := func(m *runtime.MemStats) {
		runtime.GC()
		runtime.GC() // the second one empties the pools
		runtime.ReadMemStats(m)
	}
	goroutines := runtime.NumGoroutine()
	measure(&before)
	withClients(t, s, n, func() {
		limit := goroutines + int(each)*n + 10
		eventually(t, "the goroutines have ended", func() bool {
			return runtime.NumGoroutine() <= limit
		})
		if s.Len() != n {
			t.Fatalf("%d sessions", s.Len())
		}
		measure(&after)
	})
	heap := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	stack := (int64(after.StackInuse) - int64(before.StackInuse)) / n
	t.Logf("per idle WebSocket: %d B heap, %d B stack", heap, stack)
	if heap+stack > most && !raceEnabled {
		t.Errorf("%d bytes per idle session, want at most %d", heap+stack, most)
	}
}
