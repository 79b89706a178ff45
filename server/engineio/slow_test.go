package engineio

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
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

// TestLargeFrameHasADeadlinePerChunk checks that a steady reader of 1 MB stays connected even if it
// needs longer than the write timeout.
func TestLargeFrameHasADeadlinePerChunk(t *testing.T) {
	t.Parallel()
	const timeout = 4 * time.Second // this test may stand still for a while on a busy machine
	f := serve(t, Options{WriteTimeout: timeout})
	ws, p := f.connect()
	const size = 24 << 20 // more than the buffers of loopback
	frame := NewFrame(bytes.Repeat([]byte("x"), size))
	src := newQueue(p.Session)
	src.put(frame)
	src.put(NewFrame([]byte("next")))
	p.SetSource(src)
	_, r, err := ws.NextReader()
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for start := time.Now(); ; {
		_ = ws.SetReadDeadline(time.Now().Add(patience))
		m, err := io.CopyN(io.Discard, r, 1<<20)
		n += m
		if err == io.EOF {
			if time.Since(start) < timeout {
				t.Skip("the kernel took it all")
			}
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		time.Sleep(timeout / 20) // 24 times
	}
	if n != size+1 {
		t.Errorf("%d bytes", n)
	}
	ws.expect("4next")
}
