package sse

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

func benchMessage() *notify.Message {
	return &notify.Message{
		ID: testID, Type: "payment:completed", Timestamp: testTime, Rooms: []string{"orders"},
		Namespace: "/",
		Data: raw(`{"paymentId":"p-1","amount":1299,"currency":"EUR","customer":{"id":"u1",` +
			`"name":"Ann"}}`), Metadata: raw(`{"channel":"orders"}`),
	}
}

// Encoding a message, once for all streams.
func BenchmarkEncode(b *testing.B) {
	m := benchMessage()
	b.ReportAllocs()
	for b.Loop() {
		build(m)
	}
}

// The work of each stream: it copies the shared frame into its batch.
func BenchmarkAppend(b *testing.B) {
	f := frameOf(benchMessage())
	for _, as := range []string{"", "message"} {
		b.Run("as="+as, func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.SetBytes(int64(f.Size()))
			b.ReportAllocs()
			for b.Loop() {
				buf = f.appendTo(buf[:0], as)
			}
		})
	}
}

// A whole stream over a real connection: connect, read 1,000 messages, disconnect.
func BenchmarkStream1000(b *testing.B) {
	r := newRigKeeping(b, 1000, Options{Sync: -1})
	srv := httptest.NewServer(r.routes())
	defer srv.Close()
	items := make([]notify.Publication, 50)
	for i := range items {
		data := json.RawMessage(`{"paymentId":"p-1","amount":1299,"currency":"EUR"}`)
		items[i] = notify.Publication{Notification: notify.Notification{Type: "t", Data: data},
			Target: notify.ToUser("u1")}
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := http.Get(srv.URL + "/sse?userId=u1")
		if err != nil {
			b.Fatal(err)
		}
		for range 20 {
			if _, err := r.hub.PublishBatch(context.Background(), items); err != nil {
				b.Fatal(err)
			}
		}
		lines := bufio.NewScanner(resp.Body)
		for got := 0; got < 1000 && lines.Scan(); {
			if line := lines.Bytes(); string(line) == "event: t" {
				got++
			}
		}
		if err := lines.Err(); err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		r.awaitGone(b, 1)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "msg/s")
}

// One message to 1,000 streams without connections.
func BenchmarkFanOut1000(b *testing.B) {
	r := newRig(b, Options{Sync: -1})
	const n = 1000
	written := make(chan struct{}, n)
	for i := range n {
		_, stop := r.start(fmt.Sprintf("/sse?userId=u%d", i), signal(written))
		defer stop()
	}
	for range n {
		<-written // connected
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.hub.Publish(context.Background(),
			notify.Notification{Type: "t", Data: raw(`{"n":1}`)}, notify.ToAll())
		if err != nil {
			b.Fatal(err)
		}
		for range n {
			<-written
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Nanosecond)/float64(b.N)/n, "ns/stream")
}

// signal is a writer that sends for each write.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	s <- struct{}{}
	return len(p), nil
}
