package socketio

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// A client that reads nothing costs little memory of its own on every transport, for small and for
// large messages: it waits for memory that all clients share.
func TestDeafClientsShareWhatTheyWaitFor(t *testing.T) {
	const clients = 20
	for transport, opening := range map[string][]string{
		"websocket": {"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n" +
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "\x81\x93\x00\x00\x00\x0040" + `{"userId":"deaf"}`},
		"EventSource": {"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		for _, size := range []int{400, 6 << 10, 100 << 10} {
			t.Run(fmt.Sprintf("%s, %d bytes", transport, size), func(t *testing.T) {
				memory() // that of earlier tests is gone now
				// A history of everything, so that no client is the last one to hold a message.
				s := newStack(t, func(o *Options) {
					o.Hub = servertest.HubWith(t, func(o *notify.Options) {
						o.HistorySize, o.HistoryMaxBytes = 1<<20, 1<<30
					})
				})
				data := servertest.JSON(strings.Repeat("x", size))
				publish := func() {
					_, err := s.Hub.Publish(t.Context(), notify.Notification{Type: "n", Data: data},
						notify.ToAll())
					if err != nil {
						t.Fatal(err)
					}
				}
				dial := func() net.Conn {
					conn, err := net.Dial("tcp", s.Base)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { conn.Close() })
					for _, part := range opening {
						if _, err := conn.Write([]byte(part)); err != nil {
							t.Fatal(err)
						}
						if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
							t.Fatal(err)
						}
					}
					return conn
				}
				reader := dial() // so that the frames exist, which all clients share
				go func() { _, _ = io.Copy(io.Discard, reader) }()
				servertest.Eventually(t, "the reader is attached", func() bool { return s.Hub.Total() == 1 })
				read := s.Hub.Members()[0]
				var conns []net.Conn
				for range clients {
					conns = append(conns, dial())
				}
				servertest.Eventually(t, "all clients are attached", func() bool {
					return s.Hub.Total() == clients+1
				})
				servertest.Eventually(t, "all clients lag", func() bool {
					for range 4<<20/size + 1 { // more than the buffers of a socket
						publish()
					}
					lagging := 0
					for _, m := range s.Hub.Members() {
						if m != read && m.Lagging() {
							lagging++
						}
					}
					return lagging == clients
				})
				servertest.Eventually(t, "the reader has everything", func() bool {
					return read.Cursor() == s.Hub.Head()
				})
				deaf := memory()
				for _, conn := range conns {
					conn.Close()
				}
				servertest.Eventually(t, "all clients leave", func() bool { return s.Hub.Total() == 1 })
				each := (deaf - memory()) / clients
				t.Logf("a client takes %d bytes", each)
				if each > 32<<10 { // 16 KiB without the race detector
					t.Error("want at most 32 KiB")
				}
			})
		}
	}
}

// memory returns the bytes of the heap and of all stacks.
func memory() int64 {
	servertest.Heap() // the first collections halve the stacks
	heap := servertest.Heap()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return heap + int64(stats.StackInuse)
}
