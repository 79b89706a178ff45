package limit

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/time/rate"
	"pgregory.net/rapid"
)

func frame(kind, flags byte, payload int) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(payload)<<8|uint32(kind))
	return string(append(head, flags, 0, 0, 0, 1)) + strings.Repeat("x", payload)
}

// A frame counts once, however the input is cut, and only if it asks for nothing.
func TestFramesAreCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type kind struct {
			frame string
			costs int
			small int // small DATA frames that it allows, or -1: it is one
		}
		kinds := []kind{
			{frame(frameHeaders, 0x4, 40), 0, 2}, {frame(frameHeaders, 0x5, 300), 0, 2},
			{frame(frameData, 0, smallData), 0, 0}, {frame(frameData, 1, 16<<10), 0, 0},
			{frame(frameData, 0, 0), 0, -1}, {frame(frameData, 0, smallData-1), 0, -1},
			{frame(frameData, 1, 0), 0, -1}, {frame(frameData, flagPadded, 16<<10), 0, -1},
			{frame(0x2, 0, 5), 1, 0}, {frame(0x3, 0, 4), 1, 0}, {frame(0x4, 0, 0), 1, 0},
			{frame(0x4, 1, 0), 1, 0}, {frame(0x6, 0, 8), 1, 0}, {frame(0x9, 0, 100), 1, 0},
			{frame(0xff, 0, 0), 1, 0}, {frame(frameWindowUpdate, 0, 4), 1, 0},
		}
		sent := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 50).Draw(t, "frames")
		input, costs, small := strings.Repeat("P", preface), 0, 0
		for _, k := range sent {
			input += k.frame
			costs += k.costs
			if small += k.small; small < 0 {
				costs, small = costs+1, 0
			}
		}
		enough := rapid.Bool().Draw(t, "enough")
		burst := costs
		if !enough {
			burst--
		}
		c := &HTTP2Conn{skip: preface, allowed: rate.NewLimiter(0, burst)}
		allowed := true
		for len(input) > 0 {
			n := min(rapid.IntRange(1, 20_000).Draw(t, "bytes"), len(input))
			allowed = c.allows([]byte(input[:n])) && allowed
			input = input[n:]
		}
		if want := enough || costs == 0; allowed != want {
			t.Errorf("%d cost frames and %d tokens: allowed %v", costs, burst, allowed)
		}
	})
}

// A client may acknowledge what it has received with many WINDOW_UPDATE frames, and save only so
// many.
func TestWindowUpdatesOfReceivedData(t *testing.T) {
	t.Parallel()
	c := &HTTP2Conn{allowed: rate.NewLimiter(0, 0)}
	update := []byte(frame(frameWindowUpdate, 0, 4))
	for range 3 {
		c.wrote(60)
		if !c.allows([]byte(strings.Repeat(string(update), 2))) {
			t.Fatal("two for a frame of 60 bytes are refused")
		}
	}
	c.wrote(1 << 30)
	n := 0
	for c.allows(update) {
		n++
	}
	if n != maxUpdates {
		t.Errorf("%d are allowed, want %d", n, maxUpdates)
	}
}
