package notify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestDelivery runs publishers and clients concurrently. Clients pull, stall, join, leave, lose
// messages on the wire, and reconnect with their cursor. Every client gets every message of its
// rooms once and in order, or a gap.
func TestDelivery(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newScene(t)
		defer s.hub.Close()
		done := make(chan struct{})
		var publishing, reading sync.WaitGroup
		for i := range rapid.IntRange(1, 3).Draw(t, "publishers") {
			r := s.rand(i)
			publishing.Go(func() {
				for range 150 {
					s.publish(r)
				}
			})
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "clients") {
			c := s.newClient(i, s.rand(100+i))
			reading.Go(func() {
				for {
					select {
					case <-done:
						c.finish()
						return
					default:
						c.step(done)
					}
				}
			})
		}
		publishing.Wait()
		close(done)
		reading.Wait()
		s.check(t)
	})
}

// TestDeliveryStepByStep is the same with one step at a time, so that rapid can shrink a failure.
func TestDeliveryStepByStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newScene(t)
		defer s.hub.Close()
		publisher := s.rand(0)
		clients := []*client{s.newClient(0, s.rand(1)), s.newClient(1, s.rand(2))}
		for _, who := range rapid.SliceOfN(rapid.IntRange(-6, 1), 50, 400).Draw(t, "steps") {
			if who < 0 {
				s.publish(publisher)
			} else {
				clients[who].step(nil)
			}
		}
		for _, c := range clients {
			c.finish()
		}
		s.check(t)
	})
}

// sceneRooms are the rooms that clients join. Each client is always in "*" as well.
var sceneRooms = []string{"a", "b", "c", "d"}

// scene is a Hub with all published messages and all clients.
type scene struct {
	hub     *Hub
	seed    uint64
	clients []*client

	mu   sync.Mutex
	sent map[uint64]*Message // guarded by mu
}

func newScene(t *rapid.T) *scene {
	log := NewMemoryLog()
	s := &scene{
		hub: New(log, defaulted(Options{
			HistorySize: rapid.SampledFrom([]int{8, 70, 100, 1000}).Draw(t, "history"),
			MaxReplay:   rapid.SampledFrom([]int{20, 1000}).Draw(t, "replay"),
		})),
		seed: rapid.Uint64().Draw(t, "seed"),
		sent: map[uint64]*Message{},
	}
	s.hub.step = rapid.SampledFrom([]int{1, 2, fanOutStep}).Draw(t, "step")
	s.hub.between = runtime.Gosched
	return s
}

func (s *scene) rand(who int) *rand.Rand { return rand.New(rand.NewPCG(s.seed, uint64(who))) }

// publish sends one message to one to three rooms. Some messages except a client, some are
// volatile.
func (s *scene) publish(r *rand.Rand) {
	m := &Message{Type: "t", Volatile: r.IntN(10) == 0}
	for _, i := range r.Perm(len(sceneRooms) + 1)[:1+r.IntN(3)] {
		m.Rooms = append(m.Rooms, append(sceneRooms, "*")[i])
	}
	if r.IntN(5) == 0 {
		m.Except = []string{fmt.Sprint("client:", r.IntN(3))}
	}
	if _, err := s.hub.Deliver(context.Background(), m); err != nil {
		panic(err)
	}
	if !m.Volatile {
		s.mu.Lock()
		s.sent[m.ID.Seq] = m
		s.mu.Unlock()
	}
}

func (s *scene) check(t *rapid.T) {
	for _, c := range s.clients {
		if len(c.wrong) > 0 {
			t.Fatalf("client %s: %s", c.id, strings.Join(c.wrong, "; "))
		}
		got := map[uint64]bool{}
		for i, seq := range c.got {
			got[seq] = true
			if i > 0 && seq <= c.got[i-1] {
				t.Fatalf("client %s: %d after %d", c.id, seq, c.got[i-1])
			}
		}
		for seq, m := range s.sent {
			surely, maybe := c.wants(m)
			if got[seq] && !maybe {
				t.Fatalf("client %s got %d to %v, in %v", c.id, seq, m.Rooms, c.stays)
			}
			for _, room := range surely {
				if !got[seq] && !c.reported(room, seq) {
					t.Fatalf("client %s lost %d to %v, gaps %v", c.id, seq, m.Rooms, c.gaps)
				}
			}
		}
		for _, g := range c.gaps {
			if g.reason != GapTrimmed && g.reason != GapTooMany {
				t.Fatalf("gap %+v", g)
			}
			for _, room := range g.rooms {
				if !s.published(room, g) {
					t.Fatalf("client %s: gap %+v, and nothing was sent to %s", c.id, g, room)
				}
			}
		}
	}
}

// published reports whether a message went to the room within the gap.
func (s *scene) published(room string, g reportedGap) bool {
	for seq, m := range s.sent {
		if seq > g.from && seq <= g.to && slices.Contains(m.Rooms, room) {
			return true
		}
	}
	return false
}
