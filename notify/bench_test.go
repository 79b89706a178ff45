package notify

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// benchHub returns a Hub with n members in room "r", one user each, that do nothing when woken.
func benchHub(b *testing.B, n int) (*Hub, []*Member) {
	b.Helper()
	h := New(NewMemoryLog(), DefaultOptions())
	b.Cleanup(h.Close)
	members := make([]*Member, n)
	for i := range members {
		m, err := h.Attach(Attachment{
			ClientID: fmt.Sprint("c", i), UserID: fmt.Sprint("u", i), Rooms: []string{"r"},
			Wake: func(int) {},
		})
		if err != nil {
			b.Fatal(err)
		}
		members[i] = m
	}
	return h, members
}

// BenchmarkPublish10000 measures a publish to a room of 10,000 members that keep up, with the wake
// of each; what they pull is not counted.
func BenchmarkPublish10000(b *testing.B) {
	const n = 10_000
	h, members := benchHub(b, n)
	publish := func() {
		receipt, err := h.Deliver(context.Background(),
			&Message{Rooms: []string{"r"}, Type: "t", Data: []byte(`{"a":1}`)})
		if err != nil || receipt.Delivered != n || receipt.Users != n {
			b.Fatal(receipt, err)
		}
	}
	drain := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, m := range members {
			for m.pending > 0 {
				m.take()
			}
		}
	}
	publish()
	drain()
	b.ReportAllocs()
	for b.Loop() {
		publish()
		b.StopTimer()
		drain()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/member")
}

// BenchmarkPublishUser3 measures a publish to a user with three connections among 10,000, pulls
// included.
func BenchmarkPublishUser3(b *testing.B) {
	h, _ := benchHub(b, 10_000)
	var tabs []*Member
	for i := range 3 {
		m, err := h.Attach(Attachment{ClientID: fmt.Sprint("tab", i), UserID: "u", Wake: func(int) {}})
		if err != nil {
			b.Fatal(err)
		}
		tabs = append(tabs, m)
	}
	n := Notification{Type: "payment:completed", Data: []byte(`{"amount":12,"currency":"EUR"}`)}
	buf := make([]Delivery, 16)
	b.ReportAllocs()
	for b.Loop() {
		if r, err := h.Publish(context.Background(), n, ToUser("u")); err != nil ||
			r.Delivered != 3 || r.Users != 1 {
			b.Fatal(r, err)
		}
		for _, m := range tabs {
			if n, _ := m.Pull(buf); n != 1 {
				b.Fatal("not delivered")
			}
		}
	}
}

// BenchmarkResume20Rooms100Missed measures a reconnect: attach with a cursor in 20 rooms with a
// full history, pull of the 100 messages missed, detach.
func BenchmarkResume20Rooms100Missed(b *testing.B) {
	h, _ := benchHub(b, 100)
	var channels []string
	for i := range 20 {
		channels = append(channels, fmt.Sprint("channel", i))
	}
	publish := func(i int) {
		m := &Message{Rooms: []string{channels[i%20]}, Type: "t", Data: []byte(`{"a":1}`)}
		if _, err := h.Deliver(context.Background(), m); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 20 * 200 {
		publish(i)
	}
	cursor := Cursor{ID: h.Head()}
	for i := range 100 {
		publish(i * 7)
	}
	buf := make([]Delivery, 128)
	b.ReportAllocs()
	for b.Loop() {
		m, err := h.Attach(Attachment{ClientID: "x", UserID: "u", Rooms: channels, Resume: &cursor})
		if err != nil {
			b.Fatal(err)
		}
		last := Delivery{}
		for last.Recovery == nil {
			n, _ := m.Pull(buf)
			if n == 0 {
				b.Fatal("the replay does not end")
			}
			last = buf[n-1]
		}
		if last.Recovery.Replayed != 100 {
			b.Fatal(last.Recovery)
		}
		m.Detach()
	}
}

// BenchmarkAppendJSON measures the encoding of the notification object.
func BenchmarkAppendJSON(b *testing.B) {
	m := &Message{ID: ID{1, 1042}, Type: "payment:completed",
		Data: []byte(`{"amount":12,"currency":"EUR"}`), Rooms: []string{rooms.All}}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = m.AppendJSON(buf[:0])
	}
}

// BenchmarkSmallRoomsBesideLarge measures how long a publish to one of 1,000 small rooms takes while
// another goroutine publishes to a room of 20,000 members all the time, and how long that one holds
// the lock at a time. In the runs "whole" it does not release the lock.
func BenchmarkSmallRoomsBesideLarge(b *testing.B) {
	for name, step := range map[string]int{"steps": fanOutStep, "whole": 1 << 30} {
		b.Run(name, func(b *testing.B) {
			h, large := benchHub(b, 20_000)
			for i := range 1000 {
				attach(b, h, Attachment{ClientID: fmt.Sprint("s", i), Namespace: "/small",
					Rooms: []string{fmt.Sprint("/small#", i)}})
			}
			var holds, waits []time.Duration
			var taken time.Time
			hold := func() {
				now := time.Now()
				holds = append(holds, now.Sub(taken))
				taken = now
			}
			h.step, h.between = step, hold
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				buf := make([]Delivery, 16)
				for {
					taken = time.Now()
					deliver(b, h, &Message{Rooms: []string{"r"}, Type: "t", Data: []byte(`{"a":1}`)})
					hold()
					for _, m := range large {
						m.Pull(buf)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			}()
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				deliver(b, h, &Message{Rooms: []string{fmt.Sprint("/small#", i%1000)}, Type: "t"})
				waits = append(waits, time.Since(start))
				time.Sleep(time.Duration(100+i%7*50) * time.Microsecond)
			}
			close(stop)
			<-stopped
			for name, all := range map[string][]time.Duration{"hold": holds, "publish": waits} {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2].Seconds()*1e3, name+"-p50-ms")
				b.ReportMetric(all[len(all)*99/100].Seconds()*1e3, name+"-p99-ms")
			}
		})
	}
}
