//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// floodFigure is that of one client that sends as fast as it can. The server closes it after 10 s
// above the rate, which it does not reach at once.
var floodFigure = Figure{CPU: 0.05, Closed: 11 * time.Second, Growth: 8 << 20}

// floodTime is longer than the time in which the server has to close a flood.
const floodTime = 13 * time.Second

// floodAttacks send one thing again and again, as fast as one connection can.
var floodAttacks = []Attack{
	flood("acknowledgements that nobody asked for", "issue 4, D15",
		func(int) []byte { return frame(finText, []byte("4399999[]")) }),
	flood("empty fragments", "issue 4, C16", func(i int) []byte {
		if i == 0 {
			return frame(firstText, nil)
		}
		return frame(continuation, nil)
	}),
	flood("fragments of one byte", "issue 4, C16", func(i int) []byte {
		if i == 0 {
			return frame(firstText, []byte("4"))
		}
		return frame(continuation, []byte("x"))
	}),
	flood("acknowledgements in 4,000 empty fragments", "issue 4, C16", func(i int) []byte {
		const fragments = 4000
		switch i % fragments {
		case 0:
			return frame(firstText, []byte("4399999[]"))
		case fragments - 1:
			return frame(fin|continuation, nil)
		}
		return frame(continuation, nil)
	}),
	flood("empty messages", "issue 4, C16", func(int) []byte { return frame(finText, nil) }),
	flood("PING frames", "issue 4, C16", func(int) []byte { return frame(finPing, make([]byte, 125)) }),
	flood("PONG frames", "issue 4, C16", func(int) []byte { return frame(finPong, nil) }),
	flood("PONG packets", "issue 4, D02", func(int) []byte { return frame(finText, []byte("3")) }),
	flood("MESSAGE packets without a Socket.IO packet", "issue 4, D01",
		func(int) []byte { return frame(finText, []byte("4")) }),
	flood("binary frames", "issue 4, D04", func(int) []byte { return frame(finBinary, []byte("x")) }),
	flood("binary events whose attachment follows", "issue 4, D04", func(i int) []byte {
		if i%2 == 0 {
			return frame(finText, []byte(`451-["no-such-event",{"_placeholder":true,"num":0}]`))
		}
		return frame(finBinary, []byte("x"))
	}),
	flood("CONNECT of unknown namespaces", "issue 4, D12",
		func(i int) []byte { return frame(finText, fmt.Appendf(nil, "40/x%d,", i)) }),
	flood("CONNECT of / again", "issue 4, D12", func(int) []byte { return frame(finText, []byte("40")) }),
	flood("DISCONNECT of unknown namespaces", "issue 4, D12",
		func(i int) []byte { return frame(finText, fmt.Appendf(nil, "41/x%d,", i)) }),
	flood("join-room", "issue 4, D13",
		func(i int) []byte { return frame(finText, fmt.Appendf(nil, `42["join-room","r%d"]`, i)) }),
	flood("join-room of names that are refused", "issue 4, D13",
		func(int) []byte { return frame(finText, []byte(`42["join-room","user:x"]`)) }),
	flood("join and leave of one room", "issue 4, D13", func(i int) []byte {
		return frame(finText, []byte([]string{`42["join-room","r"]`, `42["leave-room","r"]`}[i%2]))
	}),
	flood("unknown events", "issue 4, D14",
		func(int) []byte { return frame(finText, []byte(`42["no-such-event"]`)) }),
	flood("events with an acknowledgement", "issue 4, D14",
		func(i int) []byte { return frame(finText, fmt.Appendf(nil, `42%d["ping"]`, i)) }),
	flood("events of 60 KB", "issue 4, D14", func(int) []byte {
		text := append([]byte(`42["no-such-event","`), bytes.Repeat([]byte("x"), 60_000)...)
		return frame(finText, append(text, `"]`...))
	}),
}

// flood is an attack by one websocket that sends frame 0, frame 1 and so on.
func flood(name, row string, frame func(i int) []byte) Attack {
	return Attack{
		Name: "flood of " + name, Row: row, Figure: floodFigure,
		Run: func(ctx context.Context, t *target) error {
			ctx, cancel := context.WithTimeout(ctx, floodTime)
			defer cancel()
			s, _, err := t.connect(ctx, 1, `{"userId":"flooder"}`)
			if err != nil {
				return err
			}
			defer s.Close()
			go s.flood(ctx, frame)
			t.did.end(s.watch())
			<-ctx.Done()
			return nil
		},
	}
}

// flood writes frames in chunks, because a system call for each would slow it down.
func (s *socket) flood(ctx context.Context, frame func(i int) []byte) {
	const chunk = 64 << 10
	var b []byte
	for i := 0; ctx.Err() == nil; {
		for b = b[:0]; len(b) < chunk; i++ {
			b = append(b, frame(i)...)
		}
		if _, err := s.Write(b); err != nil {
			return
		}
	}
}
