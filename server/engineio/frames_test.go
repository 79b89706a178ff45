package engineio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// script is a connection that delivers bytes in pieces.
type script struct {
	net.Conn
	in   []byte
	step int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.step)], s.in)
	s.in = s.in[n:]
	return n, nil
}
func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

func scripted(in []byte, step int) *wire {
	return newWire(&script{in: in, step: step},
		New(Options{}).newSession(newRequest("GET", "/", "")))
}

// masked appends a masked frame, as a client sends it.
func masked(dst []byte, first byte, payload []byte, key [4]byte) []byte {
	at := len(dst)
	dst = appendHeader(dst, 0, len(payload))
	dst[at], dst[at+1] = first, dst[at+1]|0x80
	dst = append(dst, key[:]...)
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}

// TestMessagesSurviveAnyFraming checks that messages do not depend on fragments, masks, control
// frames in between and the pieces in which bytes arrive.
func TestMessagesSurviveAnyFraming(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []byte
		var want [][]byte
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			var msg []byte
			n := rapid.IntRange(1, 5).Draw(t, "fragments")
			for i := range n {
				size := rapid.SampledFrom([]int{
					0, 1, 7, 125, 126, 300, 5000, 70_000,
				}).Draw(t, "size")
				part := bytes.Repeat([]byte{byte('a' + i)}, size)
				first := byte(opContinuation)
				if i == 0 {
					first = opText
				}
				if i == n-1 {
					first |= 0x80
				}
				key := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "key"))
				in = masked(in, first, part, key)
				if rapid.Bool().Draw(t, "ping") {
					in = masked(in, 0x80|opPing, part[:min(size, 125)], key)
				}
				msg = append(msg, part...)
			}
			want = append(want, msg)
		}
		c := scripted(in, rapid.SampledFrom([]int{1, 3, 100, 4096, 1 << 20}).Draw(t, "step"))
		for i, w := range want {
			h, err := c.dataHeader()
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.message(h, make([]byte, 16), 1<<20)
			if err != nil || !bytes.Equal(got, w) {
				t.Fatalf("message %d: %d bytes, want %d: %v", i, len(got), len(w), err)
			}
		}
		if _, err := c.dataHeader(); !errors.Is(err, io.EOF) {
			t.Fatalf("then %v", err)
		}
	})
}

// The work for a message does not depend on the number of its fragments: the buffer grows a few
// times, and not with each fragment.
func TestFragmentsAreNotCopiedAgain(t *testing.T) {
	const size, each = 1 << 20, 1 << 8
	var in []byte
	for i := range size / each {
		first := byte(opContinuation)
		switch i {
		case 0:
			first = opBinary
		case size/each - 1:
			first = 0x80
		}
		in = masked(in, first, make([]byte, each), [4]byte{})
	}
	c := scripted(in, 4096)
	conn := c.Conn.(*script)
	var err error
	allocs := testing.AllocsPerRun(1, func() {
		conn.in = in
		var h header
		if h, err = c.dataHeader(); err == nil {
			_, err = c.message(h, make([]byte, scratchSize), size)
		}
	})
	if err != nil || allocs > 20 {
		t.Errorf("%.0f allocations, %v", allocs, err)
	}
}

// FuzzFrames reads arbitrary bytes as a client's frames: each stream ends with an error that has a
// close code, and no message exceeds the limit.
func FuzzFrames(f *testing.F) {
	f.Add(masked(nil, 0x81, []byte("4hello"), [4]byte{1, 2, 3, 4}), 1)
	f.Add(masked(masked(nil, 0x01, []byte("4hel"), [4]byte{}), 0x80, []byte("lo"), [4]byte{}), 7)
	f.Add(masked(nil, 0x88, []byte{3, 0xE8}, [4]byte{}), 2)
	f.Add(masked(nil, 0x89, []byte("ping"), [4]byte{}), 2)
	f.Add([]byte{0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}, 100)
	f.Add([]byte{0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0}, 100)
	f.Add([]byte{0xF1, 0x01}, 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		const limit = 1000
		c := scripted(in, max(1, step))
		for range len(in) + 2 {
			h, err := c.dataHeader()
			var data []byte
			if err == nil {
				data, err = c.message(h, make([]byte, 16), limit)
			}
			if err != nil {
				if e, _ := endingOf(err); e.reason == "" || (e.code != closeNone && e.code < 1000) {
					t.Fatalf("the error %v has the ending %+v", err, e)
				}
				return
			}
			if len(data) > limit || cap(data) > limit {
				t.Fatalf("%d bytes", len(data))
			}
		}
		t.Fatal("more messages than bytes")
	})
}
