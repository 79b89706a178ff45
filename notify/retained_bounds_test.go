package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/roomcast/roomcast/rooms"
)

// The retained messages take at most RetainedMaxBytes, with their frames, whatever backends send.
// It measures the heap, so it is not parallel.
func TestRetainedHeap(t *testing.T) {
	const bound = 4 << 20
	frame := func(m *Message) Frame { return encoded(m.AppendJSON(nil)) }
	for _, c := range []struct {
		name string
		make func(i int) (Notification, Target)
	}{
		{"small, in one channel", func(i int) (Notification, Target) {
			return Notification{Type: fmt.Sprint(i)}, ToChannel("c")
		}},
		{"small, for each user", func(i int) (Notification, Target) {
			return Notification{Type: "t"}, ToUser(fmt.Sprint(i))
		}},
		{"with a TTL", func(i int) (Notification, Target) {
			return Notification{Type: "t", TTL: 1 << 50}, ToUser(fmt.Sprint(i))
		}},
		{"long names", func(i int) (Notification, Target) {
			return Notification{Type: long(i, rooms.MaxType)}, ToChannel(long(i, rooms.MaxName))
		}},
		{"large data", func(i int) (Notification, Target) {
			return Notification{Type: "t", Data: bytes.Repeat([]byte("1"), MaxData)},
				ToUser(fmt.Sprint(i))
		}},
		{"except many", func(i int) (Notification, Target) {
			return Notification{Type: "t", Except: many(MaxTargets, func(n int) string {
				return long(i*MaxTargets+n, rooms.MaxName)
			})}, ToUser(fmt.Sprint(i))
		}},
		{"a part of something large", func(i int) (Notification, Target) {
			return Notification{Type: "t", Data: append(make([]byte, 0, 64<<10), '1')},
				ToUser(fmt.Sprint(i))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			h := newHub(t, Options{RetainedMaxBytes: bound, RetainedSize: 1 << 20,
				HistoryMaxBytes: 1})
			n := 0
			for ; ; n++ {
				what, to := c.make(n)
				what.Retain = true
				_, err := h.Publish(context.Background(), what, to)
				var full *RetainError
				if errors.As(err, &full) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range h.Retained(to) {
					m.Frame(SocketIO, frame)
					m.Frame(EventSource, frame)
				}
			}
			used := heap() - before
			t.Logf("%d retained: %d bytes counted, %d used", n, h.Stats().RetainedBytes, used)
			if n == 0 || used > bound {
				t.Errorf("%d retained take %d bytes, expected at most %d", n, used, bound)
			}
		})
	}
}

type encoded []byte

func (s encoded) Size() int { return len(s) }

// A join of a channel, with nothing retained anywhere, in other channels, and in this one.
func BenchmarkJoin(b *testing.B) {
	for _, c := range []struct {
		name    string
		channel string
	}{{"nothing retained", ""}, {"retained elsewhere", "other"}, {"retained here", "c"}} {
		b.Run(c.name, func(b *testing.B) {
			h := newHub(b, Options{})
			if c.channel != "" {
				n := Notification{Type: "t", Data: json.RawMessage(`1`), Retain: true}
				if _, err := h.Publish(context.Background(), n, ToChannel(c.channel)); err != nil {
					b.Fatal(err)
				}
			}
			m := attach(b, h, Attachment{ClientID: "m"})
			buf := make([]Delivery, 16)
			b.ReportAllocs()
			for b.Loop() {
				m.Join("c")
				m.Pull(buf)
				m.Leave("c")
			}
		})
	}
}
