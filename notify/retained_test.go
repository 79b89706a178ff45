package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// retain publishes text as the retained message of a type to a channel.
func retain(t testing.TB, h *Hub, channel, kind, text string, options ...Option) ID {
	t.Helper()
	n := Notification{Type: kind, Data: fmt.Appendf(nil, "%q", text), Retain: true}
	r, err := h.Publish(context.Background(), n, ToChannel(channel), options...)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := ParseID(r.ID)
	return id
}

// A connection that joins gets the newest message of each type, in the order of the log, before all
// that follows.
func TestJoinGetsRetained(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	live := attach(t, h, Attachment{ClientID: "live", Rooms: []string{"c"}})
	retain(t, h, "c", "a", "a1")
	retain(t, h, "c", "b", "b1")
	retain(t, h, "c", "a", "a2")
	retain(t, h, "other", "a", "x")
	send(t, h, "plain", "c")
	expect(t, live, "a1 b1 a2 plain")

	expect(t, attach(t, h, Attachment{ClientID: "new", Rooms: []string{"c"}}), "r:b1(2@5) r:a2(3@5)")
	late := attach(t, h, Attachment{ClientID: "late"})
	expect(t, late, "")
	late.Join("c")
	send(t, h, "next", "c")
	late.Join("c") // no join: it is in it
	expect(t, late, "r:b1(2@5) r:a2(3@5) next")
	late.Leave("c")
	late.Join("c")
	expect(t, late, "r:b1(2@6) r:a2(3@6)")
}

func TestRetainedForUser(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	n := Notification{Type: "status", Data: json.RawMessage(`1`), Retain: true}
	if _, err := h.Publish(context.Background(), n, ToUser("u")); err != nil {
		t.Fatal(err)
	}
	expect(t, attach(t, h, Attachment{ClientID: "a", UserID: "u"}), "r:1(1@1)")
	expect(t, attach(t, h, Attachment{ClientID: "b", UserID: "v"}), "")
}

func TestRetainedIsMarked(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	n := Notification{Type: "status", Data: json.RawMessage("{\n\"on\" : true}"), Retain: true,
		Metadata: json.RawMessage("{\"retained\":\"x\",\n\"n\":1}")}
	if _, err := h.Publish(context.Background(), n, ToChannel("c")); err != nil {
		t.Fatal(err)
	}
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"c"}})
	got := pull(m)
	if len(got) != 1 {
		t.Fatal(shown(got))
	}
	text := string(got[0].Retained.Message.AppendJSON(nil))
	for _, part := range []string{`{"id":"5f3a9c01-1","type":"status","data":{"on":true},"timestamp":"`,
		`"metadata":{"n":1,"channel":"c","retained":true}}`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nhas no %s", text, part)
		}
	}
}

// The replay and the retained messages complete each other: a resumed member gets each message once.
func TestResumeAndRetained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		resume *Cursor
		want   string
	}{
		{"before all", at(0), "a1 b1 a2 recovery(true 3 0>3)"},
		{"between", at(2), "r:b1(2@2) a2 recovery(true 1 2>3)"},
		{"at the head", at(3), "r:b1(2@3) r:a2(3@3) recovery(true 0 3>3)"},
		{"everything", &Cursor{All: true}, "a1 b1 a2 recovery(true 3 0>3)"},
		{"invalid", &Cursor{Invalid: true}, "gap(invalid >3 [*] id 3) " +
			"r:b1(2@3) r:a2(3@3) recovery(false 0 >3)"},
		{"ahead", at(9), "gap(ahead 9>3 [*] id 3) " +
			"r:b1(2@3) r:a2(3@3) recovery(false 0 9>3)"},
		{"another epoch", &Cursor{ID: ID{1, 2}}, "gap(epoch 00000001-2>0 [*] id 00000001-2) " +
			"a1 b1 a2 recovery(false 3 00000001-2>3)"},
	} {
		h := newHub(t, Options{})
		retain(t, h, "c", "a", "a1")
		retain(t, h, "c", "b", "b1")
		retain(t, h, "c", "a", "a2")
		m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}, Resume: c.resume})
		got := strings.ReplaceAll(strings.ReplaceAll(shown(pull(m)), "[* client:m c]", "[*]"),
			"[client:m * c]", "[*]")
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// What the history has lost comes from the retained messages, after the gap and before the replay.
func TestGapAndRetained(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 2})
	h.o.HistoryMinAge, h.index.minAge = 0, 0
	slow := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"c"}})
	retain(t, h, "c", "a", "a1")
	for i := range inboxSize + 3 {
		send(t, h, fmt.Sprint(i), "c")
	}
	gone := attach(t, h, Attachment{ClientID: "gone", Rooms: []string{"c"}, Resume: at(0)})
	want := "gap(trimmed 0>66 [c] id 0) r:a1(1@0) 65 66"
	expect(t, slow, want)
	expect(t, gone, want+" recovery(false 2 0>68)")
}

func TestTooManyAndRetained(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{MaxReplay: 1})
	retain(t, h, "c", "a", "a1")
	retain(t, h, "c", "b", "b1")
	send(t, h, "x", "c")
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}, Resume: at(1)})
	expect(t, m, "gap(too_many 1>2 [c] id 1) r:a1(1@2) r:b1(2@2) x recovery(false 1 1>3)")
}

// A client that recovers its session is in its rooms as before. It gets their retained messages
// again only if it may not have received them.
func TestRecoveredSessionAndRetained(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	retain(t, h, "c", "a", "a1")
	retain(t, h, "d", "a", "d1")
	connect := func(id string, resume *Cursor, rooms ...string) *Member {
		a := Attachment{ClientID: id, Sessions: []string{id}, Rooms: rooms, Resume: resume}
		if resume != nil {
			a.Former = &Former{ClientID: "m", Sessions: []string{"m"}}
		}
		return attach(t, h, a)
	}
	m := connect("m", nil, "c")
	expect(t, m, "r:a1(1@2)")
	send(t, h, "x", "c")
	expect(t, m, "x")
	m.Detach()

	m = connect("n", at(2), "c") // the client may have lost the connection before a1
	if !m.Recovered() {
		t.Fatal("not recovered")
	}
	expect(t, m, "r:a1(1@2) x recovery(true 1 2>3)")
	m.Detach()
	m = connect("n", at(3), "c", "d") // it got x, so it got a1; d is new
	expect(t, m, "r:d1(2@3) recovery(true 0 3>3)")
	m.Join("e")
	retain(t, h, "f", "a", "f1")
	m.Join("f")
	m.Detach() // before it has pulled f1
	m = connect("n", at(4), "c", "d", "e", "f")
	expect(t, m, "r:a1(1@4) r:d1(2@4) r:f1(4@4) recovery(true 0 4>4)")
}

func TestRetainedReplacedWhilePending(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	retain(t, h, "c", "a", "a1")
	retain(t, h, "c", "b", "b1")
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}})
	left := attach(t, h, Attachment{ClientID: "left", Rooms: []string{"c"}})
	retain(t, h, "c", "a", "a2")
	if n, err := h.DeleteRetained(context.Background(), ToChannel("c"), "b"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	left.Leave("c")
	expect(t, m, "a2")
	expect(t, left, "a2") // it was in the room
}

func TestDeleteRetained(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	for _, kind := range []string{"a", "b", "c"} {
		retain(t, h, "c", kind, kind)
	}
	remove := func(kind string, want int) {
		t.Helper()
		if n, err := h.DeleteRetained(context.Background(), ToChannel("c"), kind); n != want ||
			err != nil {
			t.Errorf("deleted %d, %v, want %d", n, err, want)
		}
	}
	remove("x", 0)
	remove("a", 1)
	remove("a", 0)
	if got := len(h.Retained(ToChannel("c"))); got != 2 {
		t.Errorf("%d left", got)
	}
	remove("", 2)
	remove("", 0)
	if s := h.Stats(); s.Retained != 0 || s.RetainedBytes != 0 || len(h.retained.rooms) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

func TestRetainedTTL(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	h := newHub(t, Options{Now: func() time.Time { return now }})
	retain(t, h, "c", "short", "s", TTL(time.Second))
	retain(t, h, "c", "long", "l", TTL(time.Hour))
	retain(t, h, "c", "forever", "f")
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}})
	now = now.Add(time.Second)
	expect(t, m, "r:l(2@3) r:f(3@3)")
	h.Sweep(now)
	if s := h.Stats(); s.Retained != 2 {
		t.Errorf("%+v", s)
	}
	retain(t, h, "c", "long", "l2") // no TTL
	h.Sweep(now.Add(time.Hour))
	if s := h.Stats(); s.Retained != 2 {
		t.Errorf("%+v", s)
	}
}

func TestRetainIsRefused(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	n := Notification{Type: "t", Retain: true}
	volatile := n
	volatile.Volatile = true
	for _, c := range []struct {
		n    Notification
		to   Target
		want string
	}{
		{n, ToAll(), "retain: needs a target of one channel or one user, got all"},
		{n, ToChannels("a"), "retain: needs a target of one channel or one user, got channels"},
		{n, ToUsers("a"), "retain: needs a target of one channel or one user, got users"},
		{n, ToClient("a"), "retain: needs a target of one channel or one user, got client"},
		{volatile, ToUser("a"), "retain: needs a stored notification, and this one is volatile"},
	} {
		_, err := h.Publish(context.Background(), c.n, c.to)
		var invalid *ValidationError
		if !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	off := DefaultOptions()
	off.RetainedSize = 0
	without := New(NewMemoryLog(), off)
	defer without.Close()
	if _, err := without.Publish(context.Background(), n, ToUser("a")); err == nil ||
		err.Error() != "retain: this server retains no notifications" {
		t.Error(err)
	}
}

// Above a limit a publish is refused and nothing is sent. A replacement always fits if it is not
// larger.
func TestRetainedLimits(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{RetainedSize: 2, RetainedMaxBytes: 64 << 10})
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c", "d", "big"}})
	publish := func(channel, kind string, bytes int) error {
		data := json.RawMessage(`"` + strings.Repeat("x", bytes) + `"`)
		_, err := h.Publish(context.Background(), Notification{Type: kind, Data: data, Retain: true},
			ToChannel(channel))
		return err
	}
	refused := func(err error, part string) {
		t.Helper()
		var full *RetainError
		if !errors.As(err, &full) || full.Field != "retain" || !strings.Contains(full.Reason, part) {
			t.Errorf("%v, want %s", err, part)
		}
	}
	for _, kind := range []string{"a", "b", "a", "b"} {
		if err := publish("c", kind, 1); err != nil {
			t.Fatal(err)
		}
	}
	before := h.Head()
	refused(publish("c", "third", 1), `"c" has notifications of 2 types`)
	refused(publish("big", "a", 16<<10), `"big" would have`)
	if h.Head() != before {
		t.Error("a refused publish is in the log")
	}
	for i := 0; ; i++ {
		if err := publish(fmt.Sprint("room", i), "a", 1000); err != nil {
			refused(err, "the server would have")
			break
		}
		if i > 100 {
			t.Fatal("no limit")
		}
	}
	if err := publish("room0", "a", 1000); err != nil {
		t.Errorf("replacement: %v", err)
	}
	if s := h.Stats(); s.RetainedBytes > 64<<10 {
		t.Errorf("%+v", s)
	}
	if got := shown(pull(m)); strings.Count(got, "x") != 4 {
		t.Errorf("delivered %s", got)
	}
}

func TestRetainInBatch(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{RetainedSize: 1})
	item := func(kind string) Publication {
		return Publication{Notification{Type: kind, Data: json.RawMessage(`1`), Retain: true},
			ToChannel("c")}
	}
	results, err := h.PublishBatch(context.Background(),
		[]Publication{item("a"), item("b"), item("a")})
	if err != nil {
		t.Fatal(err)
	}
	var full *RetainError
	if results[0].Err != nil || !errors.As(results[1].Err, &full) || results[2].Err != nil {
		t.Errorf("%+v", results)
	}
	expect(t, attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}}), "r:1(2@2)")
}

// A publish that the log refuses retains nothing and holds no memory.
func TestRetainWithoutLog(t *testing.T) {
	t.Parallel()
	log := NewMemoryLog()
	h := New(log, DefaultOptions())
	defer h.Close()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n := Notification{Type: "t", Retain: true}
	if _, err := h.Publish(context.Background(), n, ToUser("u")); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	if s := h.Stats(); s.Retained != 0 || s.RetainedBytes != 0 || len(h.retained.rooms) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRetainedExcept(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	retain(t, h, "c", "a", "a1", Except("m"))
	expect(t, attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}}), "")
	expect(t, attach(t, h, Attachment{ClientID: "n", Rooms: []string{"c"}}), "r:a1(1@1)")
}

// A join wakes a member that had nothing to pull, once.
func TestRetainedWakes(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	retain(t, h, "c", "a", "a1")
	retain(t, h, "d", "a", "d1")
	wakes := 0
	m := attach(t, h, Attachment{ClientID: "m", Wake: func(int) { wakes++ }})
	m.Join("c")
	m.Join("d")
	h.JoinChannels(m, []string{"none"}, nil, NoLimit)
	if wakes != 1 {
		t.Errorf("%d wakes", wakes)
	}
	buf := make([]Delivery, 1)
	if n, more := m.Pull(buf); n != 1 || !more {
		t.Error(n, more)
	}
	if n, more := m.Pull(buf); n != 1 || more {
		t.Error(n, more)
	}
}

// retainedStore is a store in memory that outlives the Hub.
type retainedStore struct {
	messages []*Message
	deleted  []string
}

func (s *retainedStore) Retained() []*Message { return s.messages }

func (s *retainedStore) DeleteRetained(_ context.Context, room, kind string) error {
	s.deleted = append(s.deleted, room+" "+kind)
	return nil
}

func TestRetainedStore(t *testing.T) {
	t.Parallel()
	message := func(id ID, kind string) *Message {
		return &Message{ID: id, Namespace: "/", Rooms: []string{"c"}, Type: kind, Retain: true,
			Data: json.RawMessage(`"` + kind + `"`), Timestamp: time.Now()}
	}
	store := &retainedStore{messages: []*Message{message(ID{0x5f3a9c01, 7}, "new"),
		message(ID{1, 9}, "old"), message(ID{0x5f3a9c01, 3}, "mid")}}
	log := NewMemoryLog()
	log.head = ID{0x5f3a9c01, 8}
	o := DefaultOptions()
	o.RetainedStore = store
	h := New(log, o)
	defer h.Close()
	m := attach(t, h, Attachment{ClientID: "m", Rooms: []string{"c"}})
	expect(t, m, "r:old(00000001-9@8) r:mid(3@8) r:new(7@8)")
	if n, err := h.DeleteRetained(context.Background(), ToChannel("c"), "mid"); n != 1 || err != nil {
		t.Error(n, err)
	}
	if fmt.Sprint(store.deleted) != "[c mid]" {
		t.Error(store.deleted)
	}
}
