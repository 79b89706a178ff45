package engineio

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// endlessSource always has more messages.
type endlessSource struct {
	frame  *Frame
	pulled atomic.Int64
}

func (s *endlessSource) Pull(b *Batch) bool {
	for !b.Full() {
		b.Frame(s.frame)
		s.pulled.Add(1)
	}
	return true
}

// TestSlowReadersCostConstantMemory runs 50 clients that neither answer nor read, with endless
// sources.
func TestSlowReadersCostConstantMemory(t *testing.T) {
	f := serve(t, Options{WriteTimeout: time.Minute}) // so that the deadline ends no session
	frame := NewFrame(bytes.Repeat([]byte("x"), 1000))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 50
	var sources []*endlessSource
	for range n {
		_, p := f.connect()
		sources = append(sources, &endlessSource{frame: frame})
		p.SetSource(sources[len(sources)-1])
	}
	pulled := func() (n int64) {
		for _, s := range sources {
			n += s.pulled.Load()
		}
		return n
	}
	eventually(t, "all writers hang in a write", func() bool {
		n := pulled()
		time.Sleep(50 * time.Millisecond)
		return n > 0 && pulled() == n
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; per > 256<<10 {
		t.Errorf("%d bytes per slow reader", per)
	}
	f.s.Range(func(s *Session) bool { s.end(ending{reason: ReasonForcedClose}); return true })
}

// TestSlowPollingReaderIsClosed checks that the answer to a GET has its own deadline.
func TestSlowPollingReaderIsClosed(t *testing.T) {
	f := serve(t, Options{WriteTimeout: 300 * time.Millisecond})
	query, p := f.open()
	if err := p.Send(bytes.Repeat([]byte("x"), 32<<20), false); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.Split(f.url, "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /engine.io/?EIO=4%s HTTP/1.1\r\nHost: x\r\n\r\n", query)
	p.expectClosed(t, ReasonTransportError)
	_, _ = io.Copy(io.Discard, conn)
}

// chunkConn notes how many bytes are written under each deadline.
type chunkConn struct {
	net.Conn
	chunks []int
	all    bytes.Buffer
}

func (c *chunkConn) SetWriteDeadline(time.Time) error {
	c.chunks = append(c.chunks, 0)
	return nil
}

func (c *chunkConn) Write(p []byte) (int, error) {
	c.chunks[len(c.chunks)-1] += len(p)
	return c.all.Write(p)
}

// A large frame has a deadline for each chunk, so a steady reader stays connected even if it needs
// longer than the write timeout for the frame.
func TestLargeFrameHasADeadlinePerChunk(t *testing.T) {
	t.Parallel()
	small, large := []byte("next"), bytes.Repeat([]byte("x"), 1<<20)
	for _, begun := range []bool{false, true} {
		conn := new(chunkConn)
		s := &Session{server: &Server{o: Options{WriteTimeout: time.Second}}}
		if !s.flush(&wire{Conn: conn, session: s}, [][]byte{small, large, small}, begun) {
			t.Fatal("not everything was written")
		}
		if want := bytes.Join([][]byte{small, large, small}, nil); !bytes.Equal(conn.all.Bytes(), want) {
			t.Errorf("%d bytes were written, want %d", conn.all.Len(), len(want))
		}
		if n := len(conn.chunks); slices.Max(conn.chunks) > sockets.WritePart ||
			n > len(large)/sockets.WritePart+1 {
			t.Errorf("%d deadlines, for at most %d bytes", n, slices.Max(conn.chunks))
		}
	}
}
