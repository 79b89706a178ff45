package presence

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// watchPresence returns a hub and a function that reads its presence channel.
func watchPresence(t *testing.T) (hub *notify.Hub, read func() string) {
	hub = notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	p := AnnounceUsers(hub, zap.NewNop(), nil)
	watcher := servertest.Attach(t, hub, "watcher", "", presenceChannel)
	t.Cleanup(func() {
		p.Stop()
		hub.Close()
	})
	return hub, func() string {
		var words []string
		buf := make([]notify.Delivery, 64)
		for n, _ := watcher.Pull(buf); n > 0; n, _ = watcher.Pull(buf) {
			for _, d := range buf[:n] {
				if !d.Message.Volatile || string(d.Message.Metadata) != `{"channel":"presence"}` {
					t.Errorf("message %s", d.Message.AppendJSON(nil))
				}
				words = append(words, d.Message.Type+string(d.Message.Data))
			}
		}
		return strings.Join(words, " ")
	}
}

func presenceText(what, user string, at time.Time) string {
	return fmt.Sprintf(`user:%s{"userId":%q,"username":%q,"timestamp":%q}`, what, user, user, notify.Timestamp(at))
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, read := watchPresence(t)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := read(); got != strings.Join(want, " ") {
				t.Errorf("announced %q, want %q", got, want)
			}
		}
		start := time.Now()
		servertest.Attach(t, hub, "anyone", "")
		first := servertest.Attach(t, hub, "c1", "u1")
		second := servertest.Attach(t, hub, "c2", "u1")
		other := servertest.Attach(t, hub, "c3", "u2")
		elsewhere, err := hub.Attach(notify.Attachment{ClientID: "c4", UserID: "u3", Namespace: "/other"})
		if err != nil {
			t.Fatal(err)
		}
		defer elsewhere.Detach()
		expect(presenceText("online", "u1", start), presenceText("online", "u2", start))

		first.Detach()
		time.Sleep(time.Minute)
		expect() // it has another connection

		second.Detach()
		time.Sleep(presenceDelay - time.Millisecond)
		back := servertest.Attach(t, hub, "c5", "u1") // in time
		time.Sleep(time.Minute)
		expect()

		back.Detach()
		time.Sleep(2 * time.Second)
		other.Detach()
		gone := time.Now()
		time.Sleep(time.Minute)
		expect(presenceText("offline", "u1", gone.Add(3*time.Second)), presenceText("offline", "u2", gone.Add(5*time.Second)))

		servertest.Attach(t, hub, "c6", "u1").Detach()
		again := time.Now()
		time.Sleep(time.Minute)
		expect(presenceText("online", "u1", again), presenceText("offline", "u1", again.Add(presenceDelay)))
	})
}

// Whatever the order of connects and disconnects of a user, the announcements alternate and end
// with the current state.
func TestPresenceOfConcurrentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, read := watchPresence(t)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 50 {
					m, err := hub.Attach(notify.Attachment{ClientID: fmt.Sprint(i, "-", j), UserID: "u1"})
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Duration(j%3) * time.Second)
					m.Detach()
					time.Sleep(time.Duration(i*j%9) * time.Second)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		last := ""
		for word := range strings.FieldsSeq(read()) {
			what, _, _ := strings.Cut(word, "{")
			if what == last {
				t.Fatalf("%s was announced twice", what)
			}
			last = what
		}
		if last != "user:offline" {
			t.Errorf("ends with %q", last)
		}
	})
}

func TestPresenceStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
		defer hub.Close()
		p := AnnounceUsers(hub, zap.NewNop(), nil)
		watcher := servertest.Attach(t, hub, "watcher", "", presenceChannel)
		m := servertest.Attach(t, hub, "c1", "u1")
		m.Detach()
		p.Stop()
		servertest.Attach(t, hub, "c2", "u2")
		time.Sleep(time.Minute)
		var buf [4]notify.Delivery
		if n, _ := watcher.Pull(buf[:]); n != 1 || buf[0].Message.Type != "user:online" {
			t.Errorf("%d announcements, want one, that u1 is online", n)
		}
	})
}
