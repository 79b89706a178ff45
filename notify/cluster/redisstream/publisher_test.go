package redisstream

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// publisher appends messages until stop, and remembers what was acknowledged.
type publisher struct {
	quit          chan struct{}
	running       sync.WaitGroup
	mu            sync.Mutex
	acked         map[string]notify.ID // guarded by mu
	sent, refused int                  // guarded by mu
}

func publish(t *testing.T, name string, logs ...*Log) *publisher {
	p := &publisher{quit: make(chan struct{}), acked: map[string]notify.ID{}}
	for w, l := range logs {
		p.running.Go(func() {
			for i := 0; !isClosed(p.quit); i++ {
				m := message(fmt.Sprint(name, " ", w, " ", i))
				err := l.Append(t.Context(), []*notify.Message{m})
				p.mu.Lock()
				if p.sent++; err == nil {
					p.acked[string(m.Data)] = m.ID
				} else {
					p.refused++
				}
				p.mu.Unlock()
				if err != nil && !errors.Is(err, notify.ErrUnavailable) {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	return p
}

// count returns how many messages were acknowledged.
func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

// more waits for n more acknowledgements.
func (p *publisher) more(t *testing.T, n int) {
	t.Helper()
	n += p.count()
	servertest.Eventually(t, "more publishes", func() bool { return p.count() >= n })
}

func (p *publisher) stop() {
	close(p.quit)
	p.running.Wait()
}

// missing returns the acknowledged messages that a reader does not have.
func (p *publisher) missing(r *reader) (all []notify.ID) {
	got := map[string]bool{}
	for _, text := range r.texts() {
		got[text] = true
	}
	for text, id := range p.acked {
		if !got[text] {
			all = append(all, id)
		}
	}
	return all
}

// verify checks that a reader has every acknowledged message once, under its id, in the order of the
// ids. others says that it may have others, which were not acknowledged.
func (p *publisher) verify(t *testing.T, r *reader) {
	t.Helper()
	missing := p.missing(r)
	for deadline := time.Now().Add(servertest.Patience); len(missing) > 0; missing = p.missing(r) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d acknowledged messages are missing, as %v; losses %v", len(missing),
				len(p.acked), missing[0], r.lost())
		}
		time.Sleep(time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for i, m := range r.messages {
		text := string(m.Data)
		if id, ok := p.acked[text]; ok && id != m.ID {
			t.Errorf("%s has id %v, and was acknowledged with %v", text, m.ID, id)
		}
		if seen[text] {
			t.Errorf("%s was delivered twice", text)
		}
		if seen[text] = true; i > 0 && m.ID.Seq <= r.messages[i-1].ID.Seq {
			t.Errorf("id %v after %v", m.ID, r.messages[i-1].ID)
		}
	}
}
