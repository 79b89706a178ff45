package server

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// Connections of both transports that arrive at once from several addresses: each address gets
// exactly its limit, the others are told when to come back, and a connection that ends makes room.
func TestConnectionsPerAddressAreExact(t *testing.T) {
	t.Parallel()
	const addresses, attempts, most = 3, 24, 5
	s := newServiceStack(t, func(o *socketio.Options) {
		o.Limits = limit.New(limit.Options{MaxConnections: 1000, PerIP: most})
	})
	attempt := func(address, kind int) (conn net.Conn, answer string) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+address))},
			Timeout: servertest.Patience}
		conn, err := d.Dial("tcp", s.Base)
		if err != nil {
			t.Error(err)
			return nil, ""
		}
		_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
		r := bufio.NewReader(conn)
		if kind%2 == 0 {
			fmt.Fprint(conn, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
			return conn, readUntil(r, "event: connected", "event: overloaded")
		}
		fmt.Fprint(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"+
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
		if answer := readUntil(r, `0{"sid"`); !strings.HasSuffix(answer, `0{"sid"`) {
			return conn, answer
		}
		fmt.Fprint(conn, "\x81\x90\x00\x00\x00\x0040"+`{"userId":"u"}`)
		return conn, readUntil(r, `40{"sid"`, "44{")
	}
	var mu sync.Mutex
	accepted := make([][]net.Conn, addresses)
	var refusals []string
	var connecting sync.WaitGroup
	for address := range addresses {
		for kind := range attempts {
			connecting.Go(func() {
				conn, answer := attempt(address, kind)
				mu.Lock()
				defer mu.Unlock()
				if strings.HasSuffix(answer, "connected") || strings.HasSuffix(answer, `40{"sid"`) {
					accepted[address] = append(accepted[address], conn)
				} else {
					refusals = append(refusals, answer)
					conn.Close()
				}
			})
		}
	}
	connecting.Wait()
	for address, conns := range accepted {
		if len(conns) != most {
			t.Errorf("address %d has %d connections, want %d", address, len(conns), most)
		}
	}
	if s.Hub.Total() != addresses*most {
		t.Errorf("%d connections in all", s.Hub.Total())
	}
	for _, answer := range refusals {
		if !strings.HasSuffix(answer, "event: overloaded") && !strings.HasSuffix(answer, "44{") {
			t.Errorf("refused with %q", answer)
		}
		if strings.HasSuffix(answer, "overloaded") && !strings.Contains(answer, "retry: ") {
			t.Errorf("refused without a time: %q", answer)
		}
	}
	accepted[0][0].Close()
	servertest.Eventually(t, "there is room for one again", func() bool {
		conn, answer := attempt(0, 0)
		if !strings.HasSuffix(answer, "connected") {
			conn.Close()
			return false
		}
		t.Cleanup(func() { conn.Close() })
		return true
	})
	for _, conns := range accepted {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// readUntil reads until one of the texts has arrived, or the end.
func readUntil(r *bufio.Reader, texts ...string) string {
	var got strings.Builder
	for {
		b, err := r.ReadByte()
		if err != nil {
			return got.String()
		}
		got.WriteByte(b)
		for _, text := range texts {
			if strings.HasSuffix(got.String(), text) {
				return got.String()
			}
		}
	}
}
