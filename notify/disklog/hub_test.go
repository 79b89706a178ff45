package disklog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// node is a Hub over a store in memory, which can crash.
type node struct {
	t   *rapid.T
	fs  *vfs.MemFS
	s   *Store
	hub *notify.Hub

	maxBytes int64 // 0: the default
	history  int   // 0: 3
}

// start opens the store as the file system has it.
func (n *node) start() {
	o := DefaultOptions("/data")
	o.fs, o.Fatal = n.fs, func(err error) { n.t.Fatalf("fatal: %v", err) }
	o.TailBytes, o.MaxBytes = 1000, cmp.Or(n.maxBytes, o.MaxBytes)
	s, err := Open(o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.s = s
	options := notify.DefaultOptions()
	options.HistoryMinAge, options.HistorySize, options.HistoryMaxBytes = 0, 3, 8000
	if n.history > 0 {
		options.HistorySize, options.HistoryMaxBytes = n.history, 1<<20
	}
	n.hub = notify.New(s.Log(), options)
}

func (n *node) stop() {
	n.hub.Close()
	if err := n.s.Close(); err != nil {
		n.t.Fatal(err)
	}
}

// crash starts again with what a power cut leaves.
func (n *node) crash() {
	after := n.fs.CrashClone(vfs.CrashCloneCfg{})
	n.stop()
	n.fs = after
	n.start()
}

// read returns what a client gets that resumes with a cursor, and its next cursor.
func (n *node) read(rooms []string, since string) (texts []string, next string) {
	cursor := notify.ParseCursor(since)
	m, err := n.hub.Attach(notify.Attachment{ClientID: "c", Rooms: rooms, Resume: &cursor})
	if err != nil {
		n.t.Fatal(err)
	}
	defer m.Detach()
	buf := make([]notify.Delivery, 3)
	for next = since; ; {
		got, more := m.Pull(buf)
		for _, d := range buf[:got] {
			switch {
			case d.Message != nil:
				texts = append(texts, string(d.Message.Data))
				next = d.Message.ID.String()
			case d.Gap != nil:
				texts = append(texts, "gap")
			}
		}
		if !more {
			return texts, next
		}
		if got == 0 {
			n.t.Fatal("there is more, and nothing was pulled")
		}
	}
}

// Whatever the Hub has in memory, and whenever the process ends, a client that comes back gets what
// it missed, once and in order.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := &node{t: t, fs: vfs.NewCrashableMem()}
		n.start()
		defer func() { n.stop() }()
		type sent struct {
			rooms []string
			text  string
		}
		var all []sent
		wanted := func(rooms []string, from int) (texts []string) {
			for _, m := range all[from:] {
				if slices.ContainsFunc(m.rooms, func(r string) bool { return slices.Contains(rooms, r) }) {
					texts = append(texts, m.text)
				}
			}
			return texts
		}
		subset := func(name string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 3,
				rapid.ID).Draw(t, name)
		}
		begin := n.hub.Head().String()
		type reader struct {
			rooms  []string
			cursor string
			seen   int // of all
		}
		readers := []*reader{{[]string{"a"}, begin, 0}, {[]string{"b", "c"}, begin, 0},
			{[]string{"a", "b", "c", "d"}, begin, 0}}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				var batch []*notify.Message
				for range rapid.IntRange(1, 8).Draw(t, "messages") {
					text, rooms := fmt.Sprint(len(all)), subset("rooms")
					all = append(all, sent{rooms, text})
					batch = append(batch, &notify.Message{Rooms: rooms, Type: "t", Namespace: "/",
						Data: []byte(text)})
				}
				if err := n.hub.DeliverBatch(context.Background(), batch); err != nil {
					t.Fatal(err)
				}
			},
			"read": func(t *rapid.T) {
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				got, next := n.read(r.rooms, r.cursor)
				if want := wanted(r.rooms, r.seen); !slices.Equal(got, want) {
					t.Fatalf("%v since %s got %s, want %s", r.rooms, r.cursor, got, want)
				}
				r.cursor, r.seen = next, len(all)
			},
			"history": func(t *rapid.T) {
				rooms, limit := subset("rooms"), rapid.IntRange(1, 20).Draw(t, "limit")
				want := wanted(rooms, 0)
				newest, _ := history(t, n.hub, rooms, notify.Cursor{}, limit)
				if w := want[max(0, len(want)-limit):]; shown(newest) != text(w) {
					t.Fatalf("the newest are %s, want %s", shown(newest), w)
				}
				oldest, gap := history(t, n.hub, rooms, notify.Cursor{All: true}, limit)
				if w := want[:min(len(want), limit)]; shown(oldest) != text(w) || gap {
					t.Fatalf("the oldest are %s, want %s", shown(oldest), w)
				}
			},
			"restart": func(*rapid.T) { n.stop(); n.start() },
			"crash":   func(*rapid.T) { n.crash() },
		})
	})
}

func text(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, " ") + " "
}

// A session is there after a crash, with its rooms and data, for the rest of its time.
func TestSessionsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	start := func() (*Store, *notify.Hub) {
		s := open(t, dir, nil)
		o := notify.DefaultOptions()
		o.Sessions, o.Now = s.Sessions(), func() time.Time { return now }
		return s, notify.New(s.Log(), o)
	}
	s, hub := start()
	attach := func(hub *notify.Hub, a notify.Attachment) *notify.Member {
		t.Helper()
		m, err := hub.Attach(a)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	stays := attach(hub, notify.Attachment{ClientID: "stays", UserID: "u1", Rooms: []string{"a"},
		Sessions: []string{"pid:1"}, Address: netip.MustParseAddr("192.0.2.1")})
	stays.Join("b")
	stays.Leave("a")
	hub.KeepData("pid:1", map[string]int{"seat": 7})
	attach(hub, notify.Attachment{ClientID: "left", Sessions: []string{"pid:2"}}).Detach()
	attach(hub, notify.Attachment{ClientID: "kicked", Sessions: []string{"pid:3"}}).Void()
	want, _ := hub.Session("pid:1")
	hub.Close()
	closed(t, s)

	now = now.Add(4 * time.Minute)
	s, hub = start()
	got, ok := hub.Session("pid:1")
	if !ok || got.ClientID != "stays" || got.UserID != "u1" || got.Namespace != "/" ||
		!slices.Equal(got.Channels, []string{"b"}) || !slices.Equal(got.Granted, []string{"b"}) ||
		got.Cursor != want.Cursor || got.Address != want.Address ||
		!got.Expires.Equal(now.Add(5*time.Minute)) ||
		string(got.Data.(json.RawMessage)) != `{"seat":7}` {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, ok := hub.Session("pid:2"); !ok {
		t.Error("a session of a client that has left is lost")
	}
	if _, ok := hub.Session("pid:3"); ok {
		t.Error("a session that the server has ended is there")
	}
	if !hub.IsClientID("stays") {
		t.Error("another client could take the id of a session")
	}
	hub.Close()
	closed(t, s)

	now = now.Add(2 * time.Minute)
	s, hub = start()
	defer closed(t, s)
	defer hub.Close()
	if _, ok := hub.Session("pid:2"); ok {
		t.Error("a session is kept after its time")
	}
}

// Retained notifications are there after a restart, also when the log no longer has them, and gone
// when they were deleted or their time is over.
func TestRetainedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := time.Now()
	var later atomic.Int64 // the store reads it, too
	clock := func() time.Time { return begin.Add(time.Duration(later.Load())) }
	start := func() (*Store, *notify.Hub) {
		s := open(t, dir, func(o *Options) { o.Now = clock })
		o := notify.DefaultOptions()
		o.RetainedStore, o.Now = s.Retained(), clock
		return s, notify.New(s.Log(), o)
	}
	s, hub := start()
	publish := func(kind, data string, options ...notify.Option) string {
		t.Helper()
		n := notify.Notification{Type: kind, Data: json.RawMessage(data)}
		r, err := hub.Publish(t.Context(), n, notify.ToChannel("c"),
			append(options, notify.Retain())...)
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	publish("price", "1")
	id := publish("price", "2")
	publish("gone", "3")
	publish("short", "4", notify.TTL(time.Hour))
	if n, err := hub.DeleteRetained(t.Context(), notify.ToChannel("c"), "gone"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	restart := func() {
		t.Helper()
		hub.Close()
		closed(t, s)
		s, hub = start()
	}
	restart()
	if got := shown(hub.Retained(notify.ToChannel("c"))); got != "2 4 " {
		t.Errorf("after a restart %s", got)
	}
	later.Store(int64(25 * time.Hour))
	s.Log().tend() // the log drops everything
	restart()
	defer func() { hub.Close(); closed(t, s) }()
	got := hub.Retained(notify.ToChannel("c"))
	if shown(got) != "2 " || got[0].ID.String() != id {
		t.Errorf("after a day %s", shown(got))
	}
	m, err := hub.Attach(notify.Attachment{ClientID: "m", Rooms: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Detach()
	buf := make([]notify.Delivery, 2)
	if n, _ := m.Pull(buf); n != 1 || buf[0].Retained == nil {
		t.Errorf("a client that joins gets %d: %+v", n, buf[0])
	}
}
