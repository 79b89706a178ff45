package notify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	return &scene{
		hub: New(log, defaulted(Options{
			HistorySize: rapid.SampledFrom([]int{8, 70, 100, 1000}).Draw(t, "history"),
			MaxReplay:   rapid.SampledFrom([]int{20, 1000}).Draw(t, "replay"),
		})),
		seed: rapid.Uint64().Draw(t, "seed"),
		sent: map[uint64]*Message{},
	}
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

// stay is the time of a client in a room, across reconnects. The client must get the messages in
// (from, to], and may get those in (early, late].
type stay struct{ early, from, to, late uint64 }

// reportedGap is a gap that a client got: messages of these rooms in (from, to] may be missing.
type reportedGap struct {
	from, to uint64
	rooms    []string
	reason   string
}

// client reads as a transport does whose connection fails at times.
type client struct {
	s      *scene
	id     string
	r      *rand.Rand
	wake   chan struct{}
	m      *Member
	cursor ID // the last id that the client has
	stays  map[string][]stay
	open   map[string]stay
	got    []uint64
	gaps   []reportedGap
	wrong  []string
	buf    [40]Delivery
	resume bool // the recovery is still missing
}

func (s *scene) newClient(i int, r *rand.Rand) *client {
	c := &client{s: s, id: fmt.Sprint(i), r: r, wake: make(chan struct{}, 1), stays: map[string][]stay{}, open: map[string]stay{}}
	s.clients = append(s.clients, c)
	early := s.hub.Head().Seq
	c.attach(nil)
	c.cursor = c.m.Cursor()
	c.open["*"] = stay{early: early, from: c.cursor.Seq}
	return c
}

func (c *client) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *client) attach(resume *Cursor) {
	var rooms []string
	for room, in := range c.open {
		rooms = append(rooms, room)
		if resume != nil { // a resume joins its rooms at the cursor
			in.early = min(in.early, resume.ID.Seq)
			c.open[room] = in
		}
	}
	m, err := c.s.hub.Attach(Attachment{ClientID: c.id, UserID: "u", Rooms: rooms, Resume: resume, Wake: func() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		panic(err)
	}
	c.m, c.resume = m, resume != nil
}

// step does one random action. done is nil if no other client runs.
func (c *client) step(done <-chan struct{}) {
	switch c.r.IntN(12) {
	case 0:
		c.join(sceneRooms[c.r.IntN(len(sceneRooms))])
	case 1:
		c.leave(sceneRooms[c.r.IntN(len(sceneRooms))])
	case 2, 3:
		c.reconnect()
	case 4:
		if done != nil {
			c.stall(done)
		}
	case 5, 6:
		if done != nil {
			c.waitAndPull(done)
		}
	default:
		c.pull(1 + c.r.IntN(len(c.buf)))
	}
}

func (c *client) join(room string) {
	if _, in := c.open[room]; in {
		return
	}
	early := c.s.hub.Head().Seq
	c.m.Join(room)
	c.open[room] = stay{early: early, from: c.s.hub.Head().Seq}
}

func (c *client) leave(room string) {
	in, ok := c.open[room]
	if !ok {
		return
	}
	// Messages after the cursor at the time of the leave: a lagging member may not get more of the
	// room.
	in.to = c.m.Cursor().Seq
	c.m.Leave(room)
	in.late = c.s.hub.Head().Seq
	delete(c.open, room)
	c.stays[room] = append(c.stays[room], in)
}

// reconnect drops the messages that the client pulled last. Then it detaches and attaches again, or
// attaches the new member before it detaches the old one.
func (c *client) reconnect() {
	if c.r.IntN(2) == 0 {
		c.m.Pull(c.buf[:1+c.r.IntN(len(c.buf))]) // written and lost
	}
	c.m.Detach()
	for range c.r.IntN(200) {
		runtime.Gosched()
	}
	c.attach(&Cursor{ID: c.cursor})
}

// stall does not read until many more messages are published.
func (c *client) stall(done <-chan struct{}) {
	for until := c.s.hub.Head().Seq + uint64(c.r.IntN(120)); c.s.hub.Head().Seq < until; runtime.Gosched() {
		select {
		case <-done:
			return
		default:
		}
	}
}

// waitAndPull reads as a transport does: until nothing is left, then after the next wake.
func (c *client) waitAndPull(done <-chan struct{}) {
	for c.pull(len(c.buf)) > 0 {
	}
	select {
	case <-c.wake:
	case <-done:
		select {
		case <-c.wake:
		default:
			if c.pull(1) > 0 {
				c.fail("no wake came for what is pending")
			}
		}
	}
}

func (c *client) pull(n int) int {
	n = c.m.Pull(c.buf[:n])
	for _, d := range c.buf[:n] {
		switch {
		case d.Message != nil:
			c.message(d.Message)
		case d.Gap != nil:
			from, _ := ParseID(d.Gap.From)
			to, err := ParseID(d.Gap.To)
			if err != nil || from.Seq < c.cursor.Seq || d.Gap.ID != from || to.Seq <= from.Seq {
				c.fail("at %v: gap %+v", c.cursor, d.Gap)
			}
			c.cursor = from
			c.gaps = append(c.gaps, reportedGap{from.Seq, to.Seq, d.Gap.Rooms, d.Gap.Reason})
		case d.Recovery != nil:
			if !c.resume {
				c.fail("at %v: a second recovery", c.cursor)
			}
			c.resume = false
			c.cursor, _ = ParseID(d.Recovery.To)
		}
	}
	if n == 0 && c.r.IntN(4) == 0 {
		c.cursor = c.m.Cursor() // a sync event does the same
	}
	return n
}

func (c *client) message(m *Message) {
	switch {
	case m.Volatile && m.ID.Seq < c.cursor.Seq || !m.Volatile && m.ID.Seq <= c.cursor.Seq:
		c.fail("at %v: message %v, volatile %v", c.cursor, m.ID, m.Volatile)
	case slices.Contains(m.Except, "client:"+c.id):
		c.fail("message %v is not for %s", m.ID, c.id)
	}
	c.cursor = m.ID
	if !m.Volatile {
		c.got = append(c.got, m.ID.Seq)
	}
}

// finish reads all pending messages.
func (c *client) finish() {
	for c.pull(len(c.buf)) > 0 {
	}
	end := c.m.Cursor().Seq
	if head := c.s.hub.Head().Seq; end != head || c.resume {
		c.fail("ends at %d of %d, recovery to come: %v", end, head, c.resume)
	}
	for room, in := range c.open {
		in.to, in.late = end, end
		c.stays[room] = append(c.stays[room], in)
	}
	c.m.Detach()
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
				if !got[seq] && !c.shown(room, seq) {
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

// wants returns the rooms through which the client must get m, and whether it may get m.
func (c *client) wants(m *Message) (surely []string, maybe bool) {
	if slices.Contains(m.Except, "client:"+c.id) {
		return nil, false
	}
	for _, room := range m.Rooms {
		for _, in := range c.stays[room] {
			if m.ID.Seq > in.from && m.ID.Seq <= in.to {
				surely = append(surely, room)
			}
			maybe = maybe || m.ID.Seq > in.early && m.ID.Seq <= in.late
		}
	}
	return surely, maybe
}

func (c *client) shown(room string, seq uint64) bool {
	return slices.ContainsFunc(c.gaps, func(g reportedGap) bool {
		return seq > g.from && seq <= g.to && slices.Contains(g.rooms, room)
	})
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

// Counters and lookups are right while members and messages come and go concurrently.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 10, SessionTTL: 1})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprint(i, "-", n%3)
				m, err := h.Attach(Attachment{ClientID: id, UserID: fmt.Sprint("u", n%2), Sessions: []string{id}, Resume: at(uint64(n))})
				if err != nil {
					t.Error(err)
					return
				}
				h.JoinChannels(m, []string{"x", "y"}, nil, 2)
				m.SetTransport("sse")
				h.LeaveChannels(m, []string{"x"})
				pull(m)
				m.Detach()
			}
		})
	}
	wg.Go(func() {
		for range 300 {
			if _, err := h.Publish(context.Background(), Notification{Type: "t"}, ToChannels("x", "y")); err != nil {
				t.Error(err)
			}
			h.Match([]string{"x", "y"}, []string{"user:u1"})
			for _, m := range h.Members() {
				m.Cursor()
				m.Transport()
			}
			if m, err := h.Attach(Attachment{ClientID: "new", Rooms: []string{"x", "q"}, Resume: at(3), Former: &Former{ClientID: "former"}}); err == nil {
				m.Detach()
			}
			h.Sweep(h.o.Now())
		}
		stop.Store(true)
	})
	wg.Wait()
	if s := h.Stats(); s.Total+s.ActiveUsers+s.Members+s.Channels+s.Lagging != 0 || s.Published != 300 || s.History > 10 {
		t.Errorf("stats %+v", s)
	}
}
