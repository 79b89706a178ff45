package adminui

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// firstBytes bounds the JSON of all_sockets. The sockets that do not fit follow one by one.
const firstBytes = 64 << 10

// view is what an admin has seen of the sockets. Only one goroutine uses it.
type view struct {
	ui    *ui
	tell  func(event string, args ...any) error
	told  bool // all_sockets was sent
	shown map[key]*shown
	next  []*notify.Member // not shown yet
	found uint64           // arrivals when next was filled
}

type key struct{ namespace, id string }

// shown is a socket as the admin has seen it.
type shown struct {
	member    *notify.Member
	transport string
	rooms     []string
}

// newView returns a view that tells with a function such as Conn.Tell, which can be busy.
func newView(u *ui, tell func(event string, args ...any) error) *view {
	return &view{ui: u, tell: tell, shown: map[key]*shown{}}
}

// report tells the admin the differences. Each event that was told is a step: after an error the next
// report goes on from there.
func (v *view) report() error {
	for k, s := range v.shown {
		if err := v.compare(k, s); err != nil {
			return err
		}
	}
	v.find()
	if !v.told {
		if err := v.begin(); err != nil {
			return err
		}
	}
	for len(v.next) > 0 {
		m := v.next[0]
		names := roomsOf(m, v.ui.o.bounds.rooms)
		if m.Left() == nil {
			err := v.tell("socket_connected", describe(m, names),
				notify.Timestamp(m.ConnectedAt()))
			if err != nil {
				return err
			}
			v.add(m, names)
		}
		v.next[0] = nil
		v.next = v.next[1:]
	}
	return nil
}

// find looks for sockets that are not shown, if there is room for them and any has come.
func (v *view) find() {
	arrivals := v.ui.census.arrivals()
	room := v.ui.o.bounds.sockets - len(v.shown)
	if len(v.next) > 0 || room <= 0 || v.told && (v.found == arrivals || !v.ui.census.mayWalk()) {
		return
	}
	v.next, v.found = nil, arrivals
	members := v.ui.hub.Members()
	v.ui.census.walked(time.Duration(len(members)) * v.ui.o.bounds.walk)
	for _, m := range members {
		k := key{m.Namespace(), m.ClientID()}
		switch s := v.shown[k]; {
		case s == nil && room > 0:
			v.next = append(v.next, m)
			room--
		case s == nil, s.member != m:
			// It has no room, or it has the id of one whose end was not told yet.
			v.found = 0
		}
	}
}

// begin sends all_sockets with the first sockets. It makes the UI forget what it has seen before.
func (v *view) begin() error {
	all, size, n := []json.RawMessage{}, 0, 0
	names := make([][]string, 0, len(v.next))
	for _, m := range v.next {
		names = append(names, roomsOf(m, v.ui.o.bounds.rooms))
		text, err := json.Marshal(describe(m, names[n]))
		if err != nil { // does not happen: it is texts and numbers
			return err
		}
		if size += len(text); n > 0 && size > firstBytes {
			break
		}
		all = append(all, text)
		n++
	}
	if err := v.tell("all_sockets", all); err != nil {
		return err
	}
	for i, m := range v.next[:n] {
		v.add(m, names[i])
	}
	v.next, v.told = v.next[n:], true
	return nil
}

func (v *view) add(m *notify.Member, names []string) {
	v.shown[key{m.Namespace(), m.ClientID()}] = &shown{m, m.Transport(), names}
}

// compare tells what has changed about a socket.
func (v *view) compare(k key, s *shown) error {
	now := notify.Timestamp(time.Now())
	if s.member.Left() != nil {
		err := v.tell("socket_disconnected", k.namespace, k.id, endReason(s.member), now)
		if err == nil {
			delete(v.shown, k)
		}
		return err
	}
	if to := s.member.Transport(); to != s.transport {
		if err := v.tell("socket_updated", moved{k.id, k.namespace, to}); err != nil {
			return err
		}
		s.transport = to
	}
	names := roomsOf(s.member, v.ui.o.bounds.rooms)
	if slices.Equal(names, s.rooms) || s.member.Left() != nil { // the end follows
		return nil
	}
	for _, name := range slices.Clone(s.rooms) {
		if slices.Contains(names, name) {
			continue
		}
		if err := v.tell("room_left", k.namespace, name, k.id, now); err != nil {
			return err
		}
		s.rooms = without(s.rooms, name)
	}
	for _, name := range names {
		if slices.Contains(s.rooms, name) {
			continue
		}
		if err := v.tell("room_joined", k.namespace, name, k.id, now); err != nil {
			return err
		}
		s.rooms = append(s.rooms, name)
	}
	s.rooms = names
	return nil
}

// moved is the event socket_updated.
type moved struct {
	ID        string `json:"id"`
	Namespace string `json:"nsp"`
	Transport string `json:"transport"`
}

// without returns names without one, in a new slice.
func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}
