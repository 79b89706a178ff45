package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"github.com/roomcast/roomcast/rooms"
)

// The tests in this file measure the heap of the process, so none of them is parallel: parallel
// tests run after all sequential tests have ended.

// heap returns the bytes of live heap objects.
func heap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its objects through one collection
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// The history takes at most HistoryMaxBytes, whatever publishers send.
func TestHistoryHeap(t *testing.T) {
	const bound = 4 << 20
	publish := func(n Notification, to Target) *Message {
		m, err := newMessage(n, to)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	text := json.RawMessage(`{"paymentId":"p_81","status":"completed","amount":9.99,` +
		`"currency":"EUR"}`)
	for _, c := range []struct {
		name string
		make func(i int) *Message
	}{
		{"nothing but a message", func(int) *Message {
			return publish(Notification{Type: "t"}, ToAll())
		}},
		{"an ordinary message", func(int) *Message {
			return publish(Notification{Type: "payment:completed", Data: text}, ToUser("u1"))
		}},
		{"a room of its own", func(i int) *Message {
			return publish(Notification{Type: "t"}, ToChannel(fmt.Sprint(i)))
		}},
		{"many rooms of its own", func(i int) *Message {
			return publish(Notification{Type: "t"}, ToUsers(many(MaxTargets, func(n int) string {
				return fmt.Sprint(i, "-", n)
			})...))
		}},
		{"long rooms", func(i int) *Message {
			return publish(Notification{Type: "t"}, ToChannels(many(MaxTargets, func(n int) string {
				return long(i*MaxTargets+n, rooms.MaxName)
			})...))
		}},
		{"except many", func(i int) *Message {
			return publish(Notification{Type: "t", Except: many(MaxTargets, func(n int) string {
				return long(i*MaxTargets+n, rooms.MaxName)
			})}, ToAll())
		}},
		{"except many short names", func(i int) *Message {
			return publish(Notification{Type: "t", Except: many(MaxTargets, func(n int) string {
				return fmt.Sprint(n)
			})}, ToAll())
		}},
		{"a long type", func(i int) *Message {
			return publish(Notification{Type: long(i, rooms.MaxType)}, ToAll())
		}},
		{"large data", func(int) *Message {
			return publish(Notification{Type: "t", Data: bytes.Repeat([]byte("1"), MaxData)},
				ToAll())
		}},
		{"data of line breaks", func(int) *Message {
			return publish(Notification{Type: "t",
				Data: append(bytes.Repeat([]byte("\n"), 2000), '1')}, ToAll())
		}},
		{"a part of something large", func(int) *Message {
			return publish(Notification{Type: "t", Data: append(make([]byte, 0, 64<<10), '1')},
				ToAll())
		}},
		{"large metadata", func(int) *Message {
			return publish(Notification{Type: "t",
				Metadata: slices.Concat([]byte(`{"a":"`), bytes.Repeat([]byte("x"), MaxMetadata-8),
					[]byte(`"}`))}, ToAll())
		}},
		{"an emit", func(i int) *Message {
			return &Message{Rooms: []string{fmt.Sprintf("/n#%d", i)}, Type: "t",
				Args: bytes.Repeat([]byte("1"), 1000)}
		}},
		{"an emit with attachments", func(i int) *Message {
			m := &Message{Rooms: []string{"r"}, Type: "t", Args: json.RawMessage(`[""]`),
				BinaryArgs: json.RawMessage(`[{}]`)}
			for range 1000 {
				m.Attachments = append(m.Attachments, make([]byte, 1))
			}
			return m
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			h := newHub(t, Options{HistoryMaxBytes: bound, HistorySize: 1 << 20,
				HistoryTTL: 1 << 60})
			n := 0
			for left := int64(2 * bound); left > 0; n++ {
				m := c.make(n)
				if _, err := h.Deliver(context.Background(), m); err != nil {
					t.Fatal(err)
				}
				m.Frame(SocketIO, socketIO)
				m.Frame(EventSource, eventSource)
				if m.Args != nil {
					m.Frame(Envelope, eventSource)
				}
				left -= cost(m)
			}
			stats, took := h.Stats(), heap()-before
			runtime.KeepAlive(h)
			t.Logf("%d of %d messages, %d bytes charged, %d taken: %.2f", stats.History, n,
				stats.HistoryBytes, took, float64(took)/float64(stats.HistoryBytes))
			if stats.HistoryBytes > bound || took > bound*9/8 {
				t.Errorf("took %d bytes with a bound of %d", took, bound)
			}
			if took < bound/4 {
				t.Errorf("took %d bytes of %d: something is charged for that is not held", took,
					bound)
			}
		})
	}
}

// An inbox takes at most inboxBytes, even if the history has dropped its messages.
func TestInboxHeap(t *testing.T) {
	const members = 16
	before := heap()
	h := newHub(t, Options{HistoryMaxBytes: 1})
	for i := range members {
		name := fmt.Sprint(i)
		attach(t, h, Attachment{ClientID: name})
		for range inboxSize + 1 {
			m := &Message{Rooms: []string{rooms.Client(name)}, Type: "t",
				Data: bytes.Repeat([]byte("1"), 20_000)}
			deliver(t, h, m)
			m.Frame(SocketIO, socketIO)
			m.Frame(EventSource, eventSource)
			if m := h.Member("/", name); m.Lagging() {
				t.Fatal("lags")
			}
			if h.Member("/", name).Pending() == inboxBytes/int(cost(m)) {
				break // the next would be too much
			}
		}
	}
	took := heap() - before
	runtime.KeepAlive(h)
	t.Logf("%d bytes for each member", took/members)
	if took > members*inboxBytes*9/8 || took < members*inboxBytes/4 {
		t.Errorf("took %d bytes, the bound is %d", took, members*inboxBytes)
	}
	m := h.Member("/", "0")
	pending := m.Pending()
	deliver(t, h, &Message{Rooms: []string{rooms.Client("0")}, Type: "t",
		Data: bytes.Repeat([]byte("1"), 20_000)})
	if !m.Lagging() || m.Pending() != 0 || pending == 0 || pending >= inboxSize {
		t.Errorf("%d pending, then lagging %v with %d", pending, m.Lagging(), m.Pending())
	}
}

// Kept sessions take at most MaxSessionBytes, whatever channels and names clients choose.
func TestSessionHeap(t *testing.T) {
	const bound = 4 << 20
	channels := func(i int) []string {
		return many(64, func(n int) string { return long(i*64+n, rooms.MaxName) })
	}
	for _, c := range []struct {
		name string
		make func(i int) Attachment
	}{
		{"nothing but a session", func(i int) Attachment {
			return Attachment{Sessions: []string{fmt.Sprint("k", i)}}
		}},
		{"an ordinary session", func(i int) Attachment {
			return Attachment{UserID: fmt.Sprint("u", i), Rooms: []string{"general"},
				Sessions: []string{long(i, 64), TabKey("u", long(i, 64))}}
		}},
		{"addresses", func(i int) Attachment {
			return Attachment{UserID: fmt.Sprint("u", i), Sessions: []string{long(i, 64)},
				Address: netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})}
		}},
		{"long names", func(i int) Attachment {
			return Attachment{UserID: long(i, rooms.MaxUserID), Rooms: channels(i),
				Sessions: []string{TabKey("u", long(i, 64))}}
		}},
		{"rooms by the server", func(i int) Attachment {
			return Attachment{Namespace: long(i, 128), Granted: channels(i),
				Sessions: []string{long(i, 64)}}
		}},
		{"many short names", func(i int) Attachment {
			return Attachment{Rooms: many(1000, func(n int) string {
				return fmt.Sprint(n)
			}), Sessions: []string{fmt.Sprint(i)}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			h := newHub(t, Options{MaxSessions: 1 << 30, MaxSessionBytes: bound})
			n := 0
			for dropped := 0; dropped < 10; n++ {
				a := c.make(n)
				a.ClientID = fmt.Sprintf("%020d", n)
				attach(t, h, a).Detach()
				if n+1 > h.Stats().Sessions {
					dropped++
				}
			}
			h.stop() // the sweep, so that the test can read without the lock
			took := heap() - before
			runtime.KeepAlive(h)
			t.Logf("%d of %d sessions, %d bytes charged, %d taken: %.2f", h.Stats().Sessions, n,
				h.sessions.bytes, took, float64(took)/float64(h.sessions.bytes))
			if h.sessions.bytes > bound || took > bound*9/8 || took < bound/4 {
				t.Errorf("took %d bytes with a bound of %d", took, bound)
			}
			h.expireSessions(h.o.Now().Add(h.o.SessionTTL))
			if h.sessions.bytes != 0 || len(h.ids) != 0 {
				t.Errorf("%d bytes are left of no session", h.sessions.bytes)
			}
		})
	}
}
