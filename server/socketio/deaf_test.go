package socketio

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// deafOpenings are what a client of each transport sends, in parts: it gets an answer to each.
var deafOpenings = map[string][]string{
	"websocket": {"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
		"\x81\x93\x00\x00\x00\x0040" + `{"userId":"deaf"}`},
	"EventSource": {"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n"},
}

// A client that reads nothing costs little memory of its own on every transport, for small and for
// large messages: it waits for memory that all clients share.
func TestDeafClientsShareWhatTheyWaitFor(t *testing.T) {
	for transport, opening := range deafOpenings {
		for _, size := range []int{400, 6 << 10, 100 << 10} {
			t.Run(fmt.Sprintf("%s, %d bytes", transport, size), func(t *testing.T) {
				const most = 32 << 10 // 16 KiB without the race detector
				each := int64(0)
				for range 10 { // what is left of other tests can take or release memory meanwhile
					if each = memoryOfDeafClient(t, opening, size); each <= most {
						break
					}
				}
				t.Logf("a client takes %d bytes", each)
				if each > most {
					t.Errorf("want at most %d", most)
				}
			})
		}
	}
}

// memoryOfDeafClient returns the bytes that each of several clients that read nothing takes, after
// messages of a size for everyone. A client sends the parts of opening and reads an answer to each.
func memoryOfDeafClient(t *testing.T, opening []string, size int) int64 {
	const clients = 20
	// A history of everything, so that no client is the last one to hold a message.
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) {
			o.HistorySize, o.HistoryMaxBytes = 1<<20, 1<<30
		})
	})
	members := func(n int) {
		servertest.Eventually(t, fmt.Sprintf("%d clients are attached", n), func() bool {
			return s.Hub.Total() == n
		})
	}
	reader := openRaw(t, s.Base, opening) // builds the frames, which all clients share
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	members(1)
	reading := s.Hub.Members()[0]
	var conns []net.Conn
	for range clients {
		conns = append(conns, openRaw(t, s.Base, opening))
	}
	members(clients + 1)
	message := notify.Notification{Type: "n", Data: servertest.JSON(strings.Repeat("x", size))}
	servertest.Eventually(t, "all clients lag", func() bool {
		for range 4<<20/size + 1 { // more than the buffers of a socket
			if _, err := s.Hub.Publish(t.Context(), message, notify.ToAll()); err != nil {
				t.Fatal(err)
			}
		}
		lagging := 0
		for _, m := range s.Hub.Members() {
			if m != reading && m.Lagging() {
				lagging++
			}
		}
		return lagging == clients
	})
	servertest.Eventually(t, "the reader has everything", func() bool {
		return reading.Cursor() == s.Hub.Head()
	})
	deaf := memory()
	for _, conn := range conns {
		conn.Close()
	}
	members(1)
	return (deaf - memory()) / clients
}

// openRaw sends each part after the answer to the one before.
func openRaw(t *testing.T, address string, parts []string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for _, part := range parts {
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// send writes bytes, ends its side, and returns what the server sends until it closes. The server
// may close before it has read everything.
func send(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// memory returns the bytes of the heap and of all stacks.
func memory() int64 {
	servertest.Heap() // the first collections halve the stacks
	heap := servertest.Heap()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return heap + int64(stats.StackInuse)
}

// A client that the server drops may come back and recovers its session.
func TestDroppedClientRecovers(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	s.Hub.Member("/", sid).Drop("short")
	c.Closed()
	s.Gone(sid)
	s.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	c = s.Dial("")
	again, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if again != sid || !connected.Recovered {
		t.Errorf("%s after %s: %+v", again, sid, connected)
	}
	c.Event("n", nil)
}

// A client that reads nothing is gone soon after the server has dropped it.
func TestDroppedDeafClientsEnd(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	for _, opening := range deafOpenings {
		openRaw(t, s.Base, opening)
	}
	text := servertest.JSON(strings.Repeat("x", 100<<10))
	servertest.Eventually(t, "both lag", func() bool {
		for range 70 {
			if _, err := s.Hub.Publish(t.Context(), notify.Notification{Type: "n", Data: text},
				notify.ToAll()); err != nil {
				t.Fatal(err)
			}
		}
		return len(s.Hub.Laggards(9)) == 2
	})
	for _, m := range s.Hub.Laggards(9) {
		m.Drop("short")
	}
	servertest.Eventually(t, "both are gone", func() bool { return s.Hub.Total() == 0 })
}
