package engineio

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// latest is a Source like a member of the Hub: a shared list and a position in it.
type latest struct {
	list *atomic.Pointer[[]*Frame]
	next int
	done *atomic.Int64
}

func (l *latest) Pull(b *Batch) bool {
	frames := *l.list.Load()
	n := l.next
	for ; l.next < len(frames) && !b.Full(); l.next++ {
		b.Frame(frames[l.next])
	}
	l.done.Add(int64(l.next - n))
	return l.next < len(frames)
}

// BenchmarkFanout sends one frame to each of 1,000 sessions. "sink" measures the package alone;
// "loopback" includes the kernel's side of TCP, with the clients in another process. "single" waits
// for each broadcast, so each delivery is one write; "burst" keeps up to 64 broadcasts in flight,
// as a member's inbox does.
func BenchmarkFanout(b *testing.B) {
	for _, burst := range []int{1, 64} {
		name := map[int]string{1: "single", 64: "burst"}[burst]
		b.Run("sink/"+name, func(b *testing.B) { benchFanout(b, 1000, burst, true) })
		b.Run("loopback/"+name, func(b *testing.B) { benchFanout(b, 1000, burst, false) })
	}
}

func benchFanout(b *testing.B, n, burst int, direct bool) {
	var list atomic.Pointer[[]*Frame]
	var done atomic.Int64
	frames := make([]*Frame, 0, 1<<20)
	list.Store(&frames)
	accept := func(s *Session) (Handler, error) {
		s.SetSource(&latest{list: &list, done: &done})
		return nobody{}, nil
	}
	s := New(Options{Accept: accept})
	run := func() {
		sessions := s.snapshot()
		frame := NewFrame(bytes.Repeat([]byte("x"), 300))
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			frames = append(frames, frame)
			head := frames
			list.Store(&head)
			for _, session := range sessions {
				session.Wake()
			}
			for due := int64(i+2-burst) * int64(n); done.Load() < due; {
				runtime.Gosched()
			}
		}
		for done.Load() < int64(b.N)*int64(n) {
			runtime.Gosched()
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds(), "deliveries/s")
	}
	if !direct {
		withClients(b, s, n, run)
		return
	}
	for range n {
		session := s.newSession(newRequest("GET", "/?EIO=4", ""))
		session.conn = newWire(&sink{}, session)
		s.add(session)
		session.accept()
	}
	run()
	for _, session := range s.snapshot() {
		session.end(ending{reason: ReasonForcedClose})
	}
}

// sink is a connection that accepts and discards all bytes.
type sink struct{ net.Conn }

func (*sink) Write(p []byte) (int, error)      { return len(p), nil }
func (*sink) Read([]byte) (int, error)         { return 0, io.EOF }
func (*sink) SetWriteDeadline(time.Time) error { return nil }
func (*sink) SetReadDeadline(time.Time) error  { return nil }
func (*sink) Close() error                     { return nil }

// BenchmarkBatch appends 64 frames of 300 bytes, a full inbox.
func BenchmarkBatch(b *testing.B) {
	frame := NewFrame(bytes.Repeat([]byte("x"), 300))
	for form, name := range map[format]string{formatFrames: WebSocket, formatPayload: Polling} {
		b.Run(name, func(b *testing.B) {
			batch := new(Batch)
			b.ReportAllocs()
			b.SetBytes(64 * int64(frame.Size()))
			for b.Loop() {
				batch.reset(form, batchSize)
				for range 64 {
					batch.Frame(frame)
				}
				batch.segments()
			}
		})
	}
}

// BenchmarkPayload decodes a POST of 40 packets.
func BenchmarkPayload(b *testing.B) {
	payload := bytes.Repeat([]byte("4hello, this is a message\x1e"), 40)
	payload = payload[:len(payload)-1]
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if !validPayload(payload) {
			b.Fatal("invalid")
		}
		for range packets(payload) {
		}
	}
}

// BenchmarkReceive receives messages of a client on loopback: "pingpong" echoes each before the
// client sends the next, "stream" receives them at full speed.
func BenchmarkReceive(b *testing.B) {
	for _, pingpong := range []bool{true, false} {
		b.Run(map[bool]string{true: "pingpong", false: "stream"}[pingpong], func(b *testing.B) {
			all := make(chan struct{})
			left := b.N
			s := New(Options{Accept: func(session *Session) (Handler, error) {
				return receiver(func(data []byte) {
					if pingpong {
						_ = session.Send(data, false)
					}
					if left--; left == 0 {
						close(all)
					}
				}), nil
			}})
			ts := httptest.NewServer(s)
			defer ts.Close()
			url := "ws" + strings.TrimPrefix(ts.URL, "http") + "/?EIO=4&transport=websocket"
			ws, _, err := websocket.DefaultDialer.Dial(url, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer ws.Close()
			_, _, _ = ws.ReadMessage() // the OPEN packet
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := ws.WriteMessage(websocket.TextMessage,
					[]byte("4hello, this is a message")); err != nil {
					b.Fatal(err)
				}
				if pingpong {
					_, _, _ = ws.ReadMessage()
				}
			}
			<-all
		})
	}
}

type receiver func(data []byte)

func (f receiver) Message(data []byte, _ bool) { f(data) }
func (receiver) Close(string)                  {}
