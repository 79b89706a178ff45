package hooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/servertest"
)

// states is what a receiver believes after the events that it has got.
type states struct {
	present map[string]bool // by "user u1", "channel x", "connection /#c1"
	errors  []string
}

// follow reads events. It notes those that do not alternate, and ids that do not count up.
func follow(t testing.TB, instance string, events []hookEvent) states {
	t.Helper()
	s := states{present: map[string]bool{}}
	last := uint64(0)
	for _, e := range events {
		var data struct {
			UserID, Channel string
			Connection      struct{ ID, Namespace string }
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		var seq uint64
		if _, err := fmt.Sscanf(e.ID, "evt_"+instance+"_%d", &seq); err != nil || seq <= last {
			s.errors = append(s.errors, fmt.Sprintf("the id %s follows %d", e.ID, last))
		}
		last = seq
		var key string
		switch e.Type {
		case userOnline, userOffline:
			key = "user " + data.UserID
		case channelOccupied, channelVacated:
			key = "channel " + data.Channel
		case connectionOpened, connectionClosed:
			key = "connection " + rooms.In(data.Connection.Namespace, data.Connection.ID)
		}
		begins := e.Type == userOnline || e.Type == channelOccupied || e.Type == connectionOpened
		if s.present[key] == begins {
			s.errors = append(s.errors, e.Type+" twice for "+key)
		}
		s.present[key] = begins
	}
	return s
}

// Whatever connects, joins, leaves and disconnects, and however the receiver fails, the events of
// each user, channel and connection alternate, and in the end the receiver knows the truth.
func TestReceiverKnowsTheTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(servertest.Bubble{T: t}, func(rt *rapid.T) {
			r := newHookRig(t, nil)
			defer r.close()
			failures := rapid.SliceOfN(rapid.SampledFrom([]int{200, 200, 500, 429}), 1, 8).
				Draw(rt, "answers")
			r.inbox.answer = func(n int, _ hookRequest) (int, http.Header, error) {
				if n < len(failures) {
					return failures[n], nil, nil
				}
				return 200, nil, nil
			}
			live := map[string]*notify.Member{}
			for range rapid.IntRange(1, 50).Draw(rt, "steps") {
				id := rapid.SampledFrom([]string{"c1", "c2", "c3", "c4"}).Draw(rt, "client")
				channel := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "channel")
				m := live[id]
				switch act := rapid.IntRange(0, 5).Draw(rt, "act"); {
				case m == nil:
					user := map[string]string{"c1": "u1", "c2": "u1", "c3": "u2", "c4": ""}[id]
					if act == 0 {
						live[id] = r.attach(id, user, channel)
					} else {
						live[id] = r.attach(id, user)
					}
				case act < 2:
					m.Detach()
					delete(live, id)
				case act < 4:
					m.Join(channel)
				default:
					m.Leave(channel)
				}
				if rapid.Bool().Draw(rt, "waits") {
					time.Sleep(time.Duration(rapid.IntRange(1, 7000).Draw(rt, "ms")) * time.Millisecond)
					synctest.Wait()
				}
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			got := follow(t, r.instance, r.inbox.events())
			for _, err := range got.errors {
				rt.Error(err)
			}
			for key, present := range got.present {
				var kind, name string
				_, _ = fmt.Sscan(key, &kind, &name)
				truth := map[string]func(string) bool{
					"user": r.hub.UserOnline, "channel": r.hub.ChannelOccupied,
					"connection": func(id string) bool { return live[id] != nil },
				}[kind](name)
				if present != truth {
					rt.Errorf("the receiver believes %v of %s", present, key)
				}
			}
			for id := range live {
				if !got.present["connection "+id] {
					rt.Errorf("the receiver does not know the connection %s", id)
				}
			}
		})
	})
}

// Connections that take over an id while the former one ends, in any order of the Hub's reports.
// The short form has 4,000 connections, the long one 80,000.
func TestEventsOfAnIDAlternate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := range servertest.Soaked(500) {
					m, err := r.hub.Attach(notify.Attachment{ClientID: fmt.Sprint("c", i%3),
						UserID: fmt.Sprint("u", i%7)})
					if err == nil { // else another one has the id
						m.Detach()
					}
					if i%100 == 0 {
						time.Sleep(time.Second) // the queue is sent meanwhile
					}
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		got := follow(t, r.instance, r.inbox.events())
		for _, err := range got.errors {
			t.Error(err)
		}
		for key, present := range got.present {
			if present {
				t.Errorf("the receiver believes that %s is present", key)
			}
		}
		if n := len(r.opened.members); n != 0 || len(r.inbox.events()) == 0 {
			t.Errorf("%d connections are kept, %d events", n, len(r.inbox.events()))
		}
		if s := r.Stats()[0]; s.Dropped[dropOverflow] > 0 {
			t.Errorf("stats %+v", s)
		}
	})
}
