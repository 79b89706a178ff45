package adminui

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// Whatever happens between the reports, and however often the client is busy, the page has the truth
// in the end, and never more than its bound.
func TestPageShowsTheTruth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
		defer hub.Close()
		most := rapid.IntRange(1, 6).Draw(r, "sockets")
		u := &ui{o: DefaultOptions(), hub: hub, census: watch(hub, "/admin")}
		u.o.bounds.sockets, u.o.bounds.walk = most, 0
		p, patience := newPage(), 0
		v := newView(u, func(event string, args ...any) error {
			if patience == 0 {
				return socketio.ErrBusy
			}
			patience--
			texts := make([]json.RawMessage, len(args))
			for i, arg := range args {
				texts[i], _ = json.Marshal(arg)
			}
			p.take(event, texts)
			if len(p.sockets) > most {
				r.Fatalf("%d sockets, expected at most %d", len(p.sockets), most)
			}
			return nil
		})
		members := map[string]*notify.Member{}
		id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"})
		room := rapid.SampledFrom([]string{"x", "y", "z"})
		r.Repeat(map[string]func(*rapid.T){
			"attach": func(r *rapid.T) {
				name := id.Draw(r, "id")
				m, err := hub.Attach(notify.Attachment{ClientID: name, Transport: "polling", Namespace: "/"})
				if errors.Is(err, notify.ErrClientIDLive) {
					return
				} else if err != nil {
					r.Fatal(err)
				}
				members[name] = m
			},
			"detach": func(r *rapid.T) {
				name := id.Draw(r, "id")
				if m := members[name]; m != nil {
					m.Detach()
					delete(members, name)
				}
			},
			"join": func(r *rapid.T) {
				if m := members[id.Draw(r, "id")]; m != nil {
					m.Join(room.Draw(r, "room"))
				}
			},
			"leave": func(r *rapid.T) {
				if m := members[id.Draw(r, "id")]; m != nil {
					m.Leave(room.Draw(r, "room"))
				}
			},
			"upgrade": func(r *rapid.T) {
				if m := members[id.Draw(r, "id")]; m != nil {
					m.SetTransport("websocket")
				}
			},
			"report": func(r *rapid.T) {
				patience = rapid.IntRange(0, 8).Draw(r, "patience")
				_ = v.report()
			},
			"": func(*rapid.T) {},
		})
		patience = 1 << 30
		for range 2 { // the second one has places that the first one has freed
			if err := v.report(); err != nil {
				r.Fatal(err)
			}
		}
		if len(p.sockets) != min(len(members), most) {
			r.Fatalf("%d sockets of %d", len(p.sockets), len(members))
		}
		for k, s := range p.sockets {
			m := members[k.id]
			if m == nil {
				r.Fatalf("%s is not there", k.id)
			}
			want := roomsOf(m, 64)
			slices.Sort(want)
			got := slices.Clone(s.Rooms)
			slices.Sort(got)
			if !slices.Equal(got, want) || s.Transport != m.Transport() {
				r.Fatalf("%s: %q %s, want %q %s", k.id, got, s.Transport, want, m.Transport())
			}
		}
	})
}

// An admin costs little on a server with many sockets, also when it does not read: the bytes that wait
// for it and the sockets that it sees are bounded.
func TestFirstSocketsAreBounded(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	u := &ui{o: DefaultOptions(), hub: hub, census: watch(hub, "/admin")}
	for i := range 3000 {
		servertest.Attach(t, hub, fmt.Sprintf("c%04d", i), "user", "a", "b")
	}
	var events, bytes, first int
	v := newView(u, func(event string, args ...any) error {
		text, err := json.Marshal(args)
		if err != nil {
			return err
		}
		if event == "all_sockets" {
			first = len(text)
		}
		events, bytes = events+1, bytes+len(text)
		return nil
	})
	if err := v.report(); err != nil {
		t.Fatal(err)
	}
	if len(v.shown) != 1000 || len(v.next) != 0 || first > firstBytes+1000 {
		t.Errorf("%d sockets are shown, %d wait, the first event has %d bytes", len(v.shown), len(v.next), first)
	}
	events = 0
	for range 3 {
		if err := v.report(); err != nil {
			t.Fatal(err)
		}
	}
	if events != 0 {
		t.Errorf("%d events about nothing", events)
	}
	// A place is free: the walk for it waits, because the last one was for 3,000 sockets.
	v.ui.census.walked(time.Hour)
	for k := range v.shown {
		delete(v.shown, k)
		break
	}
	if err := v.report(); err != nil || events != 0 {
		t.Errorf("%v, %d events before the next walk", err, events)
	}
	v.ui.census.walked(0)
	if err := v.report(); err != nil || events != 1 {
		t.Errorf("%v, %d events after it", err, events)
	}
}

// BenchmarkReport measures one report about 1,000 sockets that did not change, on a server with many,
// and the walk through all of them that follows when one has come and gone.
func BenchmarkReport(b *testing.B) {
	hub := servertest.NewHub(b)
	u := &ui{o: DefaultOptions(), hub: hub, census: watch(hub, "/admin")}
	for i := range 100_000 {
		m, err := hub.Attach(notify.Attachment{ClientID: fmt.Sprintf("c%06d", i), Namespace: "/",
			Transport: "websocket", Rooms: []string{"a", "b"}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(m.Detach)
	}
	v := newView(u, func(string, ...any) error { return nil })
	if err := v.report(); err != nil {
		b.Fatal(err)
	}
	b.Run("unchanged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = v.report()
		}
	})
	b.Run("walk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for k := range v.shown {
				delete(v.shown, k)
				break
			}
			v.found, v.ui.census.nextWalk = 0, time.Time{}
			_ = v.report()
		}
	})
}
