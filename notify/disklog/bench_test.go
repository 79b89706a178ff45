package disklog

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// BenchmarkAppend compares the log with a program that appends the same bytes to a file, and syncs
// once for all that wait.
func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 400)
	for i := range payload {
		payload[i] = '1'
	}
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("log/%d", writers), func(b *testing.B) {
			s := open(b, b.TempDir(), nil)
			defer closed(b, s)
			follow(s.Log())
			spread(b, writers, func(int) error {
				m := message(0, "orders")
				m.Data = payload
				return s.Log().Append(b.Context(), []*notify.Message{m})
			})
		})
		b.Run(fmt.Sprintf("bare/%d", writers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "file"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			w := bare{f: f}
			spread(b, writers, func(int) error { return w.append(payload) })
		})
	}
}

// spread runs b.N calls of f in some goroutines.
func spread(b *testing.B, writers int, f func(int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				if err := f(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// bare appends to a file with group commit.
type bare struct {
	f       *os.File
	mu      sync.Mutex
	pending []byte
	round   *round
	syncing bool
}

type round struct{ done chan struct{} }

func (w *bare) append(p []byte) error {
	w.mu.Lock()
	w.pending = append(w.pending, p...)
	if w.round == nil {
		w.round = &round{make(chan struct{})}
	}
	mine := w.round
	if w.syncing {
		w.mu.Unlock()
		<-mine.done
		return nil
	}
	w.syncing = true
	for w.round != nil {
		batch, r := w.pending, w.round
		w.pending, w.round = nil, nil
		w.mu.Unlock()
		if _, err := w.f.Write(batch); err != nil {
			return err
		}
		if err := datasync(w.f); err != nil {
			return err
		}
		close(r.done)
		w.mu.Lock()
		if r == mine && w.round != nil { // the next round belongs to one of those that wait
			go w.rest()
			w.mu.Unlock()
			return nil
		}
	}
	w.syncing = false
	w.mu.Unlock()
	return nil
}

// rest syncs while somebody waits.
func (w *bare) rest() {
	w.mu.Lock()
	for w.round != nil {
		batch, r := w.pending, w.round
		w.pending, w.round = nil, nil
		w.mu.Unlock()
		_, _ = w.f.Write(batch)
		_ = datasync(w.f)
		close(r.done)
		w.mu.Lock()
	}
	w.syncing = false
	w.mu.Unlock()
}

// BenchmarkTicket issues a ticket and redeems it: two syncs, shared by all that wait.
func BenchmarkTicket(b *testing.B) {
	for _, clients := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			s := open(b, b.TempDir(), nil)
			defer closed(b, s)
			tickets := auth.NewStoredTickets(s.Tickets(), nil)
			a, err := auth.New(auth.Options{Mode: auth.ModeTicket, Tickets: tickets})
			if err != nil {
				b.Fatal(err)
			}
			spread(b, clients, func(int) error {
				value, _, err := tickets.Issue("alice", "", nil, 0)
				if err == nil {
					c := auth.Credentials{Ticket: value}
					_, err = a.Authenticate(b.Context(), c, auth.EventSource)
				}
				return err
			})
		})
	}
}
