package engineio

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func batchOf(f format, fill func(*Batch)) string {
	b := new(Batch)
	b.reset(f, batchSize)
	fill(b)
	var out bytes.Buffer
	for _, p := range b.segments() {
		out.Write(p)
	}
	if b.n != out.Len() {
		panic("n does not count the bytes")
	}
	return out.String()
}

func TestBatchBytes(t *testing.T) {
	frame := NewFrame([]byte("hello"), []byte{1, 2, 3, 4}, []byte{5})
	for _, c := range []struct {
		name     string
		fill     func(*Batch)
		ws, poll string
	}{
		{
			"frame", func(b *Batch) { b.Frame(frame) },
			"\x81\x064hello\x82\x04\x01\x02\x03\x04\x82\x01\x05", "4hello\x1ebAQIDBA==\x1ebBQ==",
		},
		{"text", func(b *Batch) { b.Text([]byte("a"), nil, []byte("bc")) }, "\x81\x044abc", "4abc"},
		{"empty text", func(b *Batch) { b.Text() }, "\x81\x014", "4"},
		{"binary", func(b *Batch) { b.Binary([]byte{0xff}) }, "\x82\x01\xff", "b/w=="},
		{"ping", func(b *Batch) { b.packet(packetPing) }, "\x81\x012", "2"},
		{"several", func(b *Batch) {
			b.packet(packetPing)
			b.Text([]byte("a"))
			b.Frame(NewFrame([]byte("b")))
			b.Binary(nil)
			b.Frame(NewFrame([]byte("c")))
		}, "\x81\x012\x81\x024a\x81\x024b\x82\x00\x81\x024c", "2\x1e4a\x1e4b\x1eb\x1e4c"},
		{"frame first", func(b *Batch) {
			b.Frame(NewFrame([]byte("b")))
			b.Frame(NewFrame([]byte("c")))
			b.Text([]byte("d"))
		}, "\x81\x024b\x81\x024c\x81\x024d", "4b\x1e4c\x1e4d"},
		{
			"126 bytes", func(b *Batch) { b.Text([]byte(strings.Repeat("x", 125))) },
			"\x81\x7e\x00\x7e4" + strings.Repeat("x", 125), "4" + strings.Repeat("x", 125),
		},
		{
			"65535 bytes", func(b *Batch) { b.Text([]byte(strings.Repeat("x", 65_534))) },
			"\x81\x7e\xff\xff4" + strings.Repeat("x", 65_534), "4" + strings.Repeat("x", 65_534),
		},
		{
			"65536 bytes", func(b *Batch) { b.Text([]byte(strings.Repeat("x", 65_535))) },
			"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x004" + strings.Repeat("x", 65_535),
			"4" + strings.Repeat("x", 65_535),
		},
	} {
		if got := batchOf(formatFrames, c.fill); got != c.ws {
			t.Errorf("%s on websocket: %.60q, want %.60q", c.name, got, c.ws)
		}
		if got := batchOf(formatPayload, c.fill); got != c.poll {
			t.Errorf("%s on polling: %.60q, want %.60q", c.name, got, c.poll)
		}
	}
}

// A client with forceBase64 gets binary messages as text, and text as all clients do.
func TestBatchOfTextFramesHasNoBinary(t *testing.T) {
	frame := NewFrame([]byte("hello"), []byte{1, 2, 3, 4}, []byte{5})
	got := batchOf(formatText, func(b *Batch) {
		b.Frame(frame)
		b.Text([]byte("a"))
		b.Binary([]byte{0xff})
		b.Binary(make([]byte, 93))
		b.packet(packetPing)
		b.Frame(NewFrame([]byte("b")))
	})
	want := "\x81\x064hello\x81\x09bAQIDBA==\x81\x05bBQ==\x81\x024a\x81\x05b/w==" +
		"\x81\x7db" + strings.Repeat("A", 124) + "\x81\x012\x81\x024b"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrame(t *testing.T) {
	text, bin := []byte("hello"), []byte{1, 2}
	f := NewFrame(text, bin)
	copy(text, "xxxxx")
	copy(bin, "xx")
	if string(f.Text()) != "hello" || f.Size() != 2+6+2+2 {
		t.Errorf("text %q, size %d", f.Text(), f.Size())
	}
	got := batchOf(formatFrames, func(b *Batch) { b.Frame(f) })
	if got != "\x81\x064hello\x82\x02\x01\x02" {
		t.Errorf("%q", got)
	}
	if NewFrame(nil).Size() != 3 {
		t.Errorf("empty frame of %d bytes", NewFrame(nil).Size())
	}
}

func TestBatchSharesLargeAndSingleFrames(t *testing.T) {
	small, large := NewFrame([]byte("s")), NewFrame(make([]byte, shareMin))
	b := new(Batch)
	b.reset(formatFrames, batchSize)
	b.Frame(small)
	if s := b.segments(); len(s) != 1 || &s[0][0] != &small.wire[0] {
		t.Error("a single frame was copied")
	}
	b.reset(formatFrames, batchSize)
	b.Frame(small)
	b.Frame(small)
	b.Frame(large)
	b.Frame(small)
	if s := b.segments(); len(s) != 3 || &s[1][0] != &large.wire[0] || len(s[0]) != 2*small.Size() {
		t.Errorf("%d segments", len(s))
	}
}

func TestBatchFull(t *testing.T) {
	b := new(Batch)
	b.reset(formatFrames, 100)
	b.Text(make([]byte, 96))
	if b.Full() {
		t.Error("full with 99 of 100 bytes")
	}
	b.Binary(nil)
	if !b.Full() {
		t.Error("not full with 101 of 100 bytes")
	}
}

// TestBatchIsTheConcatenation checks that a batch has the bytes of its parts in order, shared or
// copied, and that a reused batch has no bytes of the earlier one.
func TestBatchIsTheConcatenation(t *testing.T) {
	b := new(Batch)
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]format{formatFrames, formatText, formatPayload}).Draw(t, "format")
		b.reset(form, batchSize)
		var want []string
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			size := rapid.SampledFrom([]int{
				0, 1, 200, shareMin - 5, shareMin, 70_000,
			}).Draw(t, "size")
			data := bytes.Repeat([]byte{'x'}, size)
			add := [](func(*Batch)){
				func(b *Batch) { b.Frame(NewFrame(data)) },
				func(b *Batch) { b.Frame(NewFrame(data, data)) },
				func(b *Batch) { b.Text(data, data) },
				func(b *Batch) { b.Binary(data) },
				func(b *Batch) { b.packet(packetPing) },
			}[rapid.IntRange(0, 4).Draw(t, "kind")]
			add(b)
			want = append(want, batchOf(form, add))
		}
		sep := ""
		if form == formatPayload {
			sep = "\x1e"
		}
		if got := string(bytes.Join(b.segments(), nil)); got != strings.Join(want, sep) {
			t.Fatalf("%d bytes, want %d", len(got), len(strings.Join(want, sep)))
		}
	})
}
