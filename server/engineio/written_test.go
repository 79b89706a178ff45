package engineio

import (
	"testing"
	"time"
)

// since is a Source that calls Since with each of these times for one message.
type since struct {
	times []time.Time
}

func (s *since) Pull(b *Batch) bool {
	if len(s.times) == 0 {
		return false
	}
	for _, t := range s.times {
		b.Since(t)
	}
	s.times = nil
	b.Text([]byte("hello"))
	return false
}

func TestWritten(t *testing.T) {
	type write struct {
		transport string
		bytes     int
		since     time.Time
	}
	writes := make(chan write, 100)
	f := serve(t, Options{Written: func(transport string, bytes int, since time.Time) {
		writes <- write{transport, bytes, since}
	}})
	expect := func(want write) {
		t.Helper()
		select {
		case got := <-writes:
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("Written was not called for %+v", want)
		}
	}
	early := time.Now()
	late := early.Add(time.Second)

	query, p := f.open()
	p.SetSource(&since{[]time.Time{early, late}})
	f.expect(f.get(query), 200, "4hello")
	expect(write{Polling, 6, early})
	p.SetSource(&since{[]time.Time{{}, late}}) // the zero time does not count
	f.expect(f.get(query), 200, "4hello")
	expect(write{Polling, 6, late})

	ws, p := f.connect()
	p.SetSource(&since{[]time.Time{late}})
	if _, text, err := ws.ReadMessage(); err != nil || string(text) != "4hello" {
		t.Fatalf("%q %v", text, err)
	}
	// 8 with the frame header; the handshake may come before
	for got := (write{}); got.bytes != 8; {
		select {
		case got = <-writes:
		case <-time.After(patience):
			t.Fatal("Written was not called for the websocket")
		}
		if want := (write{WebSocket, 8, late}); got.bytes == 8 && got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// watched is a Source of one message whose write is watched.
type watched struct {
	written chan string
	pulled  bool
}

func (w *watched) Pull(b *Batch) bool {
	if !w.pulled {
		w.pulled = true
		b.Watch(func(transport string) { w.written <- transport })
		b.Text([]byte("hello"))
	}
	return false
}

// A watcher is called once, after its batch is written.
func TestWatch(t *testing.T) {
	t.Parallel()
	f := serve(t, Options{})
	written := make(chan string, 10)
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-written:
			if got != want || len(written) > 0 {
				t.Errorf("got %s, and %d more, want %s", got, len(written), want)
			}
		case <-time.After(patience):
			t.Fatalf("nobody said that %s has written", want)
		}
	}
	query, p := f.open()
	p.SetSource(&watched{written: written})
	f.expect(f.get(query), 200, "4hello")
	expect(Polling)
	ws, p := f.connect()
	p.SetSource(&watched{written: written})
	if _, text, err := ws.ReadMessage(); err != nil || string(text) != "4hello" {
		t.Fatalf("%q %v", text, err)
	}
	expect(WebSocket)
}
