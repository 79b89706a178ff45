package socketio

import (
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
)

func benchMessage() *notify.Message {
	return &notify.Message{
		Namespace: "/", Rooms: []string{"*"}, Type: "payment:completed", Timestamp: time.Now(),
		Data: json.RawMessage(`{"paymentId":"p_81","amount":12.5,"currency":"EUR",` +
			`"metadata":{"category":"payment","priority":"normal"}}`),
	}
}

func BenchmarkEncodeSocketIO(b *testing.B) {
	s := &Server{}
	b.ReportAllocs()
	for b.Loop() {
		s.buildFrame(benchMessage())
	}
}

func BenchmarkDecodePacket(b *testing.B) {
	text := []byte(`2["send-message",{"room":"orders","message":{"text":"hello"},` +
		`"metadata":{"n":1}}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodePacket(text, standardLimits); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBroadcast measures a notification to 500 websocket clients on the loopback interface,
// from Publish until every client has its bytes. The clients run in the same process and share its
// cores.
func BenchmarkBroadcast(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) { benchBroadcast(b, 500, batch) })
	}
}

func benchBroadcast(b *testing.B, clients, batch int) {
	s := newStack(b, nil)
	var frames atomic.Int64
	done := make(chan struct{}, 1)
	var target atomic.Int64
	for i := range clients {
		conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+
			"/socket.io/?EIO=4&transport=websocket", nil)
		if err != nil {
			b.Fatal(err)
		}
		res.Body.Close()
		b.Cleanup(func() { conn.Close() })
		connect := fmt.Appendf(nil, `40{"userId":"u%d"}`, i)
		if err := conn.WriteMessage(websocket.TextMessage, connect); err != nil {
			b.Fatal(err)
		}
		for range 3 { // OPEN, CONNECT, connected
			if _, _, err := conn.ReadMessage(); err != nil {
				b.Fatal(err)
			}
		}
		go countFrames(conn.NetConn(), func() {
			if frames.Add(1) == target.Load() {
				done <- struct{}{}
			}
		})
	}
	b.ResetTimer()
	for b.Loop() {
		target.Add(int64(clients * batch))
		for range batch {
			if _, err := s.Hub.Deliver(b.Context(), benchMessage()); err != nil {
				b.Fatal(err)
			}
		}
		<-done
	}
	b.ReportMetric(float64(b.N*clients*batch)/b.Elapsed().Seconds(), "deliveries/s")
}

// countFrames reads unmasked frames of less than 64 KiB until the connection ends.
func countFrames(conn net.Conn, each func()) {
	buf, have := make([]byte, 64<<10), 0
	for {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		at := 0
		for have-at >= 4 {
			size, header := int(buf[at+1]&0x7f), 2
			if size == 126 {
				size, header = int(buf[at+2])<<8|int(buf[at+3]), 4
			}
			if have-at < header+size {
				break
			}
			at += header + size
			each()
		}
		have = copy(buf, buf[at:have])
	}
}
