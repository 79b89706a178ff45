package disklog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// stormHub returns a hub over a store of 1 MiB.
func stormHub(t *testing.T, dir string) (*Store, *notify.Hub) {
	t.Helper()
	s := open(t, dir, func(o *Options) { o.MaxBytes, o.TailBytes = 1<<20, 64<<10 })
	o := notify.DefaultOptions()
	o.HistoryMaxBytes, o.HistorySize, o.HistoryMinAge = 64<<10, 10, 0
	return s, notify.New(s.Log(), o)
}

// resume returns what a client gets that was away since an id: the data of the messages and the gaps.
func resume(t *testing.T, hub *notify.Hub, since notify.ID, rooms ...string) (texts []string, gaps []notify.Gap) {
	t.Helper()
	m, err := hub.Attach(notify.Attachment{ClientID: "c", Rooms: rooms,
		Resume: &notify.Cursor{ID: since}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Detach()
	buf := make([]notify.Delivery, 64)
	for {
		n, more := m.Pull(buf)
		for _, d := range buf[:n] {
			if d.Message != nil {
				texts = append(texts, string(d.Message.Data))
			}
			if d.Gap != nil {
				gaps = append(gaps, *d.Gap)
			}
		}
		if !more {
			return texts, gaps
		}
	}
}

// A storm in one channel, of several times MaxBytes, takes nothing from a client of another one that is
// away. A client of the channel gets one gap, and then the rest without a hole. Both hold after a
// restart, too.
func TestStormInOneChannel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, hub := stormHub(t, dir)
	away := hub.Head()
	number := 0
	deliver := func(n int, data string, rooms ...string) {
		t.Helper()
		var batch []*notify.Message
		for range n {
			number++
			batch = append(batch, &notify.Message{Namespace: "/", Rooms: rooms, Type: "t",
				Data: json.RawMessage(fmt.Sprintf("%q", fmt.Sprint(number, data)))})
		}
		if err := hub.DeliverBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	deliver(20, "", "quiet")
	big := strings.Repeat("x", 2000)
	for i := range 60 {
		deliver(49, big, "storm")
		if i%10 == 0 {
			deliver(1, "both", "storm", "quiet")
		} else {
			deliver(1, big, "storm")
		}
	}
	for restarts := range 2 {
		quiet, gaps := resume(t, hub, away, "quiet")
		if len(gaps) > 0 || len(quiet) != 26 || quiet[0] != `"1"` || !strings.HasSuffix(quiet[25], `both"`) {
			t.Errorf("the quiet channel has the gaps %+v and %d messages: %s", gaps, len(quiet), quiet)
		}
		if all, gap := history(t, hub, []string{"quiet"}, notify.Cursor{ID: away}, 100); gap || len(all) != 26 {
			t.Errorf("the history of the quiet channel has %d messages, a gap: %t", len(all), gap)
		}
		storm, gaps := resume(t, hub, away, "storm")
		if len(gaps) != 1 || gaps[0].Reason != notify.GapTrimmed || !slices.Equal(gaps[0].Rooms, []string{"storm"}) {
			t.Fatalf("the storm has the gaps %+v", gaps)
		}
		to := notify.ParseCursor(gaps[0].To).ID.Seq
		if to != s.Log().Floor("storm") || uint64(len(storm)) != hub.Head().Seq-to || len(storm) < 100 {
			t.Errorf("%d messages of the storm after %d, the head is %v", len(storm), to, hub.Head())
		}
		both, gaps := resume(t, hub, away, "storm", "quiet")
		if len(gaps) != 1 || !slices.Equal(gaps[0].Rooms, []string{"storm"}) || len(both) <= len(storm) ||
			!slices.Equal(both[:20], quiet[:20]) {
			t.Errorf("with both channels %d messages and the gaps %+v", len(both), gaps)
		}
		if _, gaps = resume(t, hub, notify.ID{Epoch: away.Epoch, Seq: to}, "storm"); len(gaps) > 0 {
			t.Errorf("a client that was there at %d has the gaps %+v", to, gaps)
		}
		if _, gap := history(t, hub, []string{"storm"}, notify.Cursor{ID: away}, 1); !gap {
			t.Error("the history of the storm is said to be whole")
		}
		if restarts == 0 {
			hub.Close()
			closed(t, s)
			s, hub = stormHub(t, dir)
		}
	}
	if size := s.Log().Size(); size > 1<<20 || s.Log().floor.Load() > 0 {
		t.Errorf("%d bytes are kept, floor %d", size, s.Log().floor.Load())
	}
	hub.Close()
	closed(t, s)
	found, damage := check(t, files(t, dir))
	if len(damage) > 0 || found.Notifications < 100 {
		t.Errorf("%+v, damage %q", found, damage)
	}
}

// reader is a client that comes back again and again.
type reader struct {
	rooms  []string
	cursor string
	seen   int // of all messages
}

// Whatever is dropped, a client that comes back gets all that it missed, or a gap and the rest. It gets
// no gap when none of its rooms has lost something since it was there.
func TestNothingIsLostSilently(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := &node{t: t, fs: vfs.NewCrashableMem(),
			maxBytes: rapid.Int64Range(8<<10, 32<<10).Draw(t, "max"),
			history:  rapid.SampledFrom([]int{0, 8, 1000}).Draw(t, "history")}
		n.start()
		defer func() { n.stop() }()
		type sent struct {
			rooms []string
			text  string
		}
		var all []sent
		begin := n.hub.Head().String()
		readers := []*reader{{[]string{"a"}, begin, 0}, {[]string{"b", "c"}, begin, 0},
			{[]string{"quiet"}, begin, 0}, {[]string{"a", "quiet"}, begin, 0}}
		room := rapid.SampledFrom([]string{"a", "a", "a", "b", "c", "quiet"})
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				rooms := rapid.SliceOfNDistinct(room, 1, 2, rapid.ID).Draw(t, "rooms")
				pad := strings.Repeat(" ", rapid.SampledFrom([]int{0, 300, 3000}).Draw(t, "size"))
				var batch []*notify.Message
				for range rapid.SampledFrom([]int{1, 5, 20, 60}).Draw(t, "messages") {
					text := fmt.Sprint(len(all))
					all = append(all, sent{rooms, text})
					batch = append(batch, &notify.Message{Rooms: rooms, Type: "t", Namespace: "/",
						Data: []byte(text), Metadata: []byte(`"` + pad + `"`)})
				}
				if err := n.hub.DeliverBatch(context.Background(), batch); err != nil {
					t.Fatal(err)
				}
			},
			"read": func(t *rapid.T) {
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				l, after := n.s.Log(), notify.ParseCursor(r.cursor).ID.Seq
				for l.Size() > l.s.o.MaxBytes {
					l.tend()
				}
				l.tend() // the one of the writer has ended
				lost := slices.ContainsFunc(r.rooms, func(room string) bool { return l.Floor(room) > after })
				got, next := n.read(r.rooms, r.cursor)
				var want []string
				for _, m := range all[r.seen:] {
					if slices.ContainsFunc(m.rooms, func(room string) bool { return slices.Contains(r.rooms, room) }) {
						want = append(want, m.text)
					}
				}
				gap := slices.Contains(got, "gap")
				rest := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return text == "gap" })
				switch {
				case gap && !lost:
					t.Fatalf("%v since %s got a gap, and nothing was lost", r.rooms, r.cursor)
				case len(rest) > len(want) || !isPart(rest, want):
					t.Fatalf("%v since %s got %s, which is no part of %s", r.rooms, r.cursor, rest, want)
				case len(rest) < len(want) && !gap:
					t.Fatalf("%v since %s got %s without a gap, want %s", r.rooms, r.cursor, rest, want)
				case len(got)-len(rest) > len(r.rooms):
					t.Fatalf("%v since %s got %d gaps", r.rooms, r.cursor, len(got)-len(rest))
				}
				r.cursor, r.seen = next, len(all)
			},
			"restart": func(*rapid.T) { n.stop(); n.start() },
			"crash":   func(*rapid.T) { n.crash() },
		})
	})
}

// isPart reports whether words are in all, in the same order.
func isPart(words, all []string) bool {
	for _, text := range all {
		if len(words) > 0 && words[0] == text {
			words = words[1:]
		}
	}
	return len(words) == 0
}

// A message that names its room twice, and has more than the share of the room, is dropped like others.
func TestRoomNamedTwice(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), func(o *Options) { o.MaxBytes = 16 << 10 })
	defer closed(t, s)
	follow(s.Log())
	for range 3 {
		m := message(1, "a", "a")
		m.Data = json.RawMessage(strings.Repeat("1", 15<<10))
		if err := s.Log().Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			s.Log().tend()
		}
	}
	if size := s.Log().Size(); size > 16<<10 {
		t.Errorf("%d bytes are kept", size)
	}
}
