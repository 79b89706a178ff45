package engineio

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flooded is a session whose handler counts messages.
type flooded struct {
	*Session
	messages atomic.Int64
	echo     bool
	closed   chan string
}

func (f *flooded) Message(data []byte, binary bool) {
	f.messages.Add(1)
	if f.echo {
		_ = f.Send(data, binary)
	}
}

func (f *flooded) Close(reason string) { f.closed <- reason }

// piped opens a WebSocket without a socket.
func piped(o Options) (*flooded, net.Conn) {
	h := &flooded{closed: make(chan string, 1)}
	o.Accept = func(s *Session) (Handler, error) { h.Session = s; return h, nil }
	server, client := net.Pipe()
	s := New(o)
	session := s.newSession(newRequest("GET", "/?EIO=4", ""))
	c := newWire(server, session)
	session.conn, c.live = c, true
	s.add(session)
	session.accept()
	session.startReading(c)
	return h, client
}

// frames returns masked frames with the same mask. Each has a first byte and a payload.
func frames(parts ...string) (all []byte) {
	for _, p := range parts {
		all = masked(all, p[0], []byte(p[1:]), [4]byte{})
	}
	return all
}

const (
	testRate    = 512 << 10
	defaultRate = 4 << 20 // of socketio
)

// A client that sends as fast as it can gets no more than its rate handled, whatever it sends, and
// is closed with 1008 after eight seconds.
func TestFloodIsHeldBackAndClosed(t *testing.T) {
	t.Parallel()
	fragmented := []string{"\x014" + strings.Repeat("x", 10)}
	for range maxFragments - 2 {
		fragmented = append(fragmented, "\x00")
	}
	for name, c := range map[string]struct {
		in   []byte
		cost int // of in
	}{
		"empty fragments": {
			frames(append(fragmented, "\x80")...), maxFragments*perFrame + perMessage + 11,
		},
		"empty messages":        {frames("\x814"), perFrame + perMessage + 1},
		"empty binary messages": {frames("\x82"), perFrame + perMessage},
		"small messages":        {frames("\x81" + "4" + strings.Repeat("x", 100)), perFrame + perMessage + 101},
		"large pongs, below the rate of strays": {
			append(bytes.Repeat(frames("\x81"+"4"), 200), frames("\x81"+"3"+strings.Repeat("x", 1e5))...),
			201*(perFrame+perMessage) + 1e5 + 201,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, client := piped(Options{ReceiveRate: testRate})
				var reading sync.WaitGroup
				var got []byte
				reading.Go(func() { got, _ = io.ReadAll(client) })
				start, taken := time.Now(), 0
				in := bytes.Repeat(c.in, 1+(64<<10)/len(c.in))
				for h.ReadyState() == "open" {
					n, err := client.Write(in)
					if h.ReadyState() == "open" { // the rest is discarded
						taken += n
					}
					if err != nil {
						break
					}
				}
				took := time.Since(start)
				if reason := <-h.closed; reason != ReasonTransportError {
					t.Errorf("closed by %q", reason)
				}
				client.Close()
				reading.Wait()
				if !bytes.HasSuffix(got, []byte{0x88, 2, 0x03, 0xF0}) {
					t.Errorf("the last bytes are % x, want a close frame with 1008", got[max(0, len(got)-8):])
				}
				if took < overLimit || took > overLimit+2*time.Second {
					t.Errorf("closed after %v", took)
				}
				cost := float64(taken) / float64(len(c.in)) * float64(c.cost)
				if most := testRate * (budgetTime + overLimit + second).Seconds(); cost > most {
					t.Errorf("it took %.0f bytes, want at most %.0f", cost, most)
				}
				if handled := h.messages.Load(); handled > 3500 {
					t.Errorf("%d messages in %v", handled, took)
				}
			})
		})
	}
}

// What a busy client sends never waits, or waits and is not closed.
func TestBusyClientsAreNotClosed(t *testing.T) {
	t.Parallel()
	large := func(piece int) []byte { // 1 MB in frames of a size
		parts, first := []string{}, byte(opText)
		text := "4" + strings.Repeat("x", 999_999)
		for ; len(text) > piece; text = text[piece:] {
			parts = append(parts, string([]byte{first})+text[:piece])
			first = opContinuation
		}
		return frames(append(parts, string([]byte{0x80 | first})+text)...)
	}
	var binary []string
	for range 20 { // events with ten attachments each
		binary = append(binary, "\x814"+strings.Repeat("x", 200))
		for range 10 {
			binary = append(binary, "\x82"+strings.Repeat("x", 1000))
		}
	}
	for name, c := range map[string]struct {
		in     []byte
		times  int
		rate   int
		answer bool // the client waits for the answer to each
		most   time.Duration
	}{
		"1 MB in frames of 4 KiB":                  {large(4 << 10), 4, defaultRate, false, 0},
		"20 events with 10 attachments each":       {frames(binary...), 1, defaultRate, false, 0},
		"12,000 answers at once":                   {bytes.Repeat(frames("\x8143[]"), 12_000), 1, defaultRate, false, 0},
		"large messages for a while":               {large(1 << 20), 12, testRate, false, 80 * second},
		"frames of 4 KiB for a while":              {large(4 << 10), 12, testRate, false, 80 * second},
		"messages one by one, over the rate":       {frames("\x814x"), 4000, testRate, true, 40 * second},
		"1 MB in frames of 500 bytes, three times": {large(500), 3, defaultRate, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, client := piped(Options{ReceiveRate: c.rate, PingInterval: time.Hour})
				h.echo = c.answer
				if !c.answer {
					go func() { _, _ = io.Copy(io.Discard, client) }()
				}
				start := time.Now()
				for range c.times {
					if _, err := client.Write(c.in); err != nil {
						t.Fatalf("after %v: %v", time.Since(start), err)
					}
					if c.answer {
						if _, err := io.ReadFull(client, make([]byte, 4)); err != nil {
							t.Fatalf("after %v: %v", time.Since(start), err)
						}
					}
				}
				if took := time.Since(start); took > c.most {
					t.Errorf("it took %v, want at most %v", took, c.most)
				}
				if h.Closed() {
					t.Error("the session is closed")
				}
				client.Close()
				<-h.closed
			})
		})
	}
}
