package notify

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
)

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
	c := &client{s: s, id: fmt.Sprint(i), r: r, wake: make(chan struct{}, 1),
		stays: map[string][]stay{}, open: map[string]stay{}}
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
	m, err := c.s.hub.Attach(Attachment{ClientID: c.id, UserID: "u", Rooms: rooms, Resume: resume,
		Wake: func(int) {
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
	for until := c.s.hub.Head().Seq +
		uint64(c.r.IntN(120)); c.s.hub.Head().Seq < until; runtime.Gosched() {
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
	n, _ = c.m.Pull(c.buf[:n])
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

func (c *client) reported(room string, seq uint64) bool {
	return slices.ContainsFunc(c.gaps, func(g reportedGap) bool {
		return seq > g.from && seq <= g.to && slices.Contains(g.rooms, room)
	})
}
