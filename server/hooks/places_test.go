package hooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/servertest"
)

// One user with many slow requests leaves three quarters of the places to others.
func TestOnePartyHasAShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(8, amount{})
		release := make(chan struct{})
		running := map[string]int{}
		take := func(name string) {
			done, err := p.take(t.Context(), name, 1)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			p.mu.Lock()
			running[name]++
			p.mu.Unlock()
			<-release
			done()
		}
		for range 100 {
			go take("many tabs")
		}
		synctest.Wait()
		for _, name := range []string{"a", "b", "c"} {
			for range 3 {
				go take(name)
			}
		}
		synctest.Wait()
		for name, n := range running {
			if n != 2 {
				t.Errorf("%s has %d of 8 places", name, n)
			}
		}
		close(release)
		synctest.Wait()
		if p.free != 8 || len(p.parties) != 0 || p.turns.Len() != 0 || (p.waiting != amount{}) {
			t.Errorf("in the end %+v", p)
		}
	})
}

// Parties that wait get places in turn, and the requests of one in their order.
func TestPartiesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1, amount{})
		first, _ := p.take(t.Context(), "first", 1)
		var order []string
		for _, name := range []string{"a1", "a2", "a3", "b1", "b2", "c1"} {
			go func() {
				done, _ := p.take(t.Context(), name[:1], 1)
				order = append(order, name)
				done()
			}()
			synctest.Wait()
		}
		first()
		synctest.Wait()
		if want := []string{"a1", "b1", "c1", "a2", "b2", "a3"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

// A large request takes several places, at most the share, and smaller ones of others do not
// overtake it for ever.
func TestLargeRequestsTakeSeveralPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(8, amount{})
		var small []func()
		for i := range 7 {
			done, _ := p.take(t.Context(), fmt.Sprint(i), 1)
			small = append(small, done)
		}
		var order []string
		wait := func(name string, bytes int) {
			go func() {
				done, _ := p.take(t.Context(), name, bytes)
				order = append(order, name)
				done()
			}()
			synctest.Wait()
		}
		wait("large", 10<<20)
		wait("small", 1)
		if len(order) != 0 {
			t.Errorf("%v overtook the large request", order)
		}
		small[0]()
		synctest.Wait()
		if !slices.Equal(order, []string{"large", "small"}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestQueueOfPlacesIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(4, amount{8, 1000})
		ctx, cancel := context.WithCancel(t.Context())
		refused := map[string]int{}
		take := func(name string, bytes, n int) {
			for range n {
				go func() {
					if _, err := p.take(ctx, name, bytes); errors.Is(err, errQueueFull) {
						p.mu.Lock()
						refused[name]++
						p.mu.Unlock()
					}
				}()
			}
			synctest.Wait()
		}
		take("a", 1, 10) // 1 runs and 2 wait
		take("b", 300, 3)
		if refused["a"] != 7 || refused["b"] != 2 || !p.isFull("a") || p.isFull("c") {
			t.Errorf("refused %v of %+v", refused, p.waiting)
		}
		take("c", 1, 3)
		take("d", 1, 3)
		take("e", 1, 3)
		if !p.isFull("f") || p.waiting.requests != 8 {
			t.Errorf("%+v wait", p.waiting)
		}
		cancel()
		synctest.Wait()
		if (p.waiting != amount{}) || p.turns.Len() != 0 {
			t.Errorf("%+v wait after all have left", p.waiting)
		}
	})
}

// Whatever happens, no party has more than its share, no place is lost, and nobody waits for a
// place that is free.
func TestPlacesKeepTheirRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		p := newPlaces(size, amount{})
		type request struct {
			owner *party
			w     *waiter
		}
		var all []request
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(all) > 0 && rapid.Bool().Draw(t, "end") {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				if r := all[i]; !p.abandon(r.owner, r.w) {
					p.release(r.owner, r.w)
				}
				all = slices.Delete(all, i, i+1)
			} else {
				n := rapid.IntRange(1, p.share).Draw(t, "places")
				w := &waiter{n, 1, make(chan struct{})}
				owner, err := p.enter(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), w)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, request{owner, w})
			}
			held := p.free
			for _, owner := range p.parties {
				if held += owner.held; owner.held > p.share {
					t.Fatalf("%s has %d places", owner.name, owner.held)
				}
			}
			if held != size {
				t.Fatalf("%d of %d places", held, size)
			}
			if e := p.turns.Front(); e != nil {
				first := e.Value.(*party)
				if w := first.waiters[0]; first.held+w.places <= p.share && w.places <= p.free {
					t.Fatalf("%s waits for %d of %d free places", first.name, w.places, p.free)
				}
			}
		}
	})
}

// One user with many slow events, and the anonymous clients of one address, leave places to others.
func TestEventsHaveShares(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Events.Concurrency, o.Events.Timeout = 8, time.Hour
		o.AllowPrivate = true
	})
	release, slow := make(chan struct{}), make(chan struct{}, 100)
	defer close(release)
	s.app.answers(func(w http.ResponseWriter, r received) {
		if r.Data.Event == "slow" {
			slow <- struct{}{}
			select {
			case <-release:
			case <-r.gone:
			}
		}
		saying(200, "application/json", `{"ack":[]}`)(w, r)
	})
	for range 20 {
		c, _ := s.Connect(`{"userId":"many tabs"}`)
		c.Send(`42["slow"]`)
	}
	for range 2 {
		servertest.Receive(t, slow)
	}
	for _, user := range []string{"u1", "u2", "u3"} {
		c, _ := s.Connect(`{"userId":"` + user + `"}`)
		c.Send(`421["fast"]`)
		if got := c.Read(); got != `431[]` {
			t.Errorf("%s got %s", user, got)
		}
	}
	if len(slow) > 0 {
		t.Errorf("%d more slow events run", len(slow))
	}
}
