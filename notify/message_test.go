package notify

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 10, 0, 0, 7_999_999, time.FixedZone("CET", 0))
	id := ID{0x5f3a9c01, 1042}
	for name, c := range map[string]struct {
		m    *Message
		want string
	}{
		"all fields": {
			&Message{ID: id, Type: "payment:completed", Data: json.RawMessage(`{"amount":1.50}`),
				Timestamp: noon, Metadata: json.RawMessage(`{"source":"webhook"}`)},
			`{"id":"5f3a9c01-1042","type":"payment:completed","data":{"amount":1.50},` +
				`"timestamp":"2026-11-22T10:00:00.007Z","metadata":{"source":"webhook"}}`,
		},
		"no data, no metadata": {
			&Message{ID: id, Type: "t", Timestamp: noon},
			`{"id":"5f3a9c01-1042","type":"t","data":null,"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
		"volatile": {
			&Message{ID: id, Volatile: true, Type: "t", Data: json.RawMessage(`1`),
				Timestamp: noon},
			`{"type":"t","data":1,"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
		"data byte for byte": {
			&Message{ID: id, Type: "t",
				Data:      json.RawMessage(" {\n\t\"b\" : 1e2,\r\n \"a\":\"<\u2028é\\u00e9>\" } "),
				Timestamp: noon},
			"{\"id\":\"5f3a9c01-1042\",\"type\":\"t\",\"data\": {\n\t\"b\" : 1e2,\r\n " +
				"\"a\":\"<\u2028é\\u00e9>\" } ,\"timestamp\":\"2026-11-22T10:00:00.007Z\"}",
		},
		"a type with quotes": {
			&Message{ID: id, Type: `a"b\c/é`, Timestamp: noon},
			`{"id":"5f3a9c01-1042","type":"a\"b\\c/é","data":null,` +
				`"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
		"an emit without arguments": {
			&Message{ID: id, Type: "e\n", Args: json.RawMessage(`[]`), Timestamp: noon},
			`{"id":"5f3a9c01-1042","type":"e\n","data":null,` +
				`"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
		"an emit of one argument": {
			&Message{ID: id, Type: "e", Args: json.RawMessage(`[{"a":[1,2]}]`), Timestamp: noon},
			`{"id":"5f3a9c01-1042","type":"e","data":{"a":[1,2]},` +
				`"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
		"an emit of two": {
			&Message{ID: id, Type: "e", Args: json.RawMessage(`["a",[1]]`), Timestamp: noon},
			`{"id":"5f3a9c01-1042","type":"e","data":["a",[1]],` +
				`"timestamp":"2026-11-22T10:00:00.007Z"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.m.AppendJSON([]byte("data: "))
			if string(got) != "data: "+c.want {
				t.Errorf("\n got %s\nwant data: %s", got, c.want)
			}
			if !json.Valid(got[6:]) {
				t.Error("not JSON")
			}
		})
	}
}

type fakeFrame string

func (f fakeFrame) Size() int { return len(f) }

func TestFrameIsBuiltOncePerSlot(t *testing.T) {
	t.Parallel()
	var m Message
	var built [slots]atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for slot, want := range map[Slot]string{
				SocketIO:    "socket.io",
				EventSource: "eventsource",
			} {
				frame := m.Frame(slot, func(*Message) Frame {
					built[slot].Add(1)
					return fakeFrame(want)
				})
				if frame != fakeFrame(want) {
					t.Errorf("slot %d has %v", slot, frame)
				}
			}
		})
	}
	wg.Wait()
	if built[SocketIO].Load() != 1 || built[EventSource].Load() != 1 {
		t.Errorf("built %d and %d times", built[SocketIO].Load(), built[EventSource].Load())
	}
}
