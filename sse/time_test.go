package sse

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// bubble runs test both ways, with a fake clock and a rig whose Hub ends with it.
func bubble(t *testing.T, o Options, test func(*testing.T, *rig)) {
	bothWays(t, func(t *testing.T, w way) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, o)
			r.way = w
			test(t, r)
		})
	})
}

// after waits for d and returns the bytes written meanwhile.
func (r *recorder) after(d time.Duration) string {
	time.Sleep(d)
	synctest.Wait()
	return blur(r.take())
}

func wantBytes(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got\n%q, want\n%q", got, want)
	}
}

// The default heartbeat: a comment every 3 s and nothing else.
func TestHeartbeat(t *testing.T) {
	bubble(t, Options{Heartbeat: 3 * time.Second, Sync: -1}, func(t *testing.T, r *rig) {
		rec, stop := r.start("/sse")
		defer stop()
		rec.after(0)
		wantBytes(t, rec.after(2999*time.Millisecond), "")
		wantBytes(t, rec.after(time.Millisecond), ": heartbeat\n\n")
		wantBytes(t, rec.after(2999*time.Millisecond), "")
		r.publish(t, notify.Notification{Type: "t", Volatile: true}, notify.ToAll())
		rec.after(0)
		wantBytes(t, rec.after(time.Millisecond), ": heartbeat\n\n")
		wantBytes(t, rec.after(9*time.Second), ": heartbeat\n\n: heartbeat\n\n: heartbeat\n\n")
	})
}

// After a minute without an event (heartbeats do not count) the client gets the cursor, which the
// messages of other clients have moved.
func TestSync(t *testing.T) {
	for target, want := range map[string]string{
		"/sse":     "event: sync\nid: E-1\ndata: {}\n\n",
		"/api/sse": "event: message\nid: E-1\ndata: {\"type\":\"sync\"}\n\n",
	} {
		bubble(t, Options{}, func(t *testing.T, r *rig) {
			rec, stop := r.start(target)
			defer stop()
			rec.after(30 * time.Second)
			r.publish(t, notify.Notification{Type: "t"}, notify.ToUser("another user"))
			wantBytes(t, rec.after(30*time.Second-1), "")
			wantBytes(t, rec.after(1), want)
			wantBytes(t, rec.after(30*time.Second), "")
			r.publish(t, notify.Notification{Type: "t", Volatile: true}, notify.ToAll())
			rec.after(0)
			wantBytes(t, rec.after(time.Minute-1), "")
			wantBytes(t, rec.after(1), want)
			wantBytes(t, rec.after(time.Minute), want)
		})
	}
}

// A stream ends with its token: the client gets a warning 30 s before and no message after.
func TestTokenExpiry(t *testing.T) {
	for target, want := range map[string][2]string{
		"/sse?token=": {
			"event: auth:expiring\ndata: {\"type\":\"auth:expiring\"," +
				"\"expiresAt\":\"2000-01-01T00:10:00.000Z\"}\n\n",
			"event: auth:expired\ndata: {\"type\":\"auth:expired\"}\n\n",
		},
		"/api/sse?token=": {
			"event: message\ndata: {\"type\":\"auth:expiring\"," +
				"\"expiresAt\":\"2000-01-01T00:10:00.000Z\"}\n\n",
			"event: message\ndata: {\"type\":\"auth:expired\"}\n\n",
		},
	} {
		o := Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)}), Sync: -1}
		bubble(t, o, func(t *testing.T, r *rig) {
			begin := time.Now()
			rec, stop := r.start(target +
				sign(t, jwt.MapClaims{"sub": "alice", "exp": begin.Add(10 * time.Minute).Unix()}))
			defer stop()
			rec.after(0)
			wantBytes(t, rec.after(570*time.Second-1), "")
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			wantBytes(t, rec.take(), want[0])
			wantBytes(t, rec.after(30*time.Second-1), "")
			time.Sleep(time.Nanosecond)
			r.publish(t, notify.Notification{Type: "late"}, notify.ToAll())
			wantBytes(t, rec.after(0), want[1])
			if r.Len() != 0 || r.hub.Total() != 0 {
				t.Error("the stream has not ended")
			}
		})
	}
}

// If the token ends within 30 s, the warning follows `connected` at once.
func TestTokenNearExpiry(t *testing.T) {
	o := Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)})}
	bubble(t, o, func(t *testing.T, r *rig) {
		rec, stop := r.start("/sse?token=" +
			sign(t, jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(3 * time.Second).Unix()}))
		defer stop()
		wantBytes(t, rec.after(0), "retry: R\nid: E-0\nevent: connected\n"+
			`data: {"type":"connected","clientId":"CLIENT","socketId":"CLIENT",`+
			`"userId":"alice","username":"alice","timestamp":"TIME","totalConnections":1,`+
			`"recovered":false,"transport":"sse","secret":"SECRET"}`+"\n\n"+
			"event: auth:expiring\ndata: {\"type\":\"auth:expiring\",\"expiresAt\":\"TIME\"}\n\n")
		wantBytes(t, rec.after(3*time.Second),
			"event: auth:expired\ndata: {\"type\":\"auth:expired\"}\n\n")
	})
}

// A stream without a token does not end.
func TestStreamWithoutTokenDoesNotEnd(t *testing.T) {
	bubble(t, Options{Sync: -1}, func(t *testing.T, r *rig) {
		rec, stop := r.start("/sse?userId=u1")
		defer stop()
		rec.after(0)
		wantBytes(t, rec.after(24*time.Hour), "")
		r.publish(t, notify.Notification{Type: "t", Volatile: true}, notify.ToUser("u1"))
		if rec.after(0) == "" {
			t.Error("no event after a day")
		}
	})
}

// The sweep ends only streams without a recent write.
func TestSweep(t *testing.T) {
	bubble(t, Options{Heartbeat: 2 * time.Minute, Sync: -1}, func(t *testing.T, r *rig) {
		_, stop := r.start("/sse")
		defer stop()
		time.Sleep(3 * time.Minute)
		r.Sweep(time.Now(), 90*time.Second)
		synctest.Wait()
		if r.Len() != 1 {
			t.Fatal("a stream with heartbeats was taken for idle")
		}
		r.Sweep(time.Now(), 50*time.Second)
		synctest.Wait()
		if r.Len() != 0 || r.hub.Total() != 0 {
			t.Error("the idle stream has not ended")
		}
	})
}

// One timer serves all streams, and each stream has its heartbeat every 3 s from its own start.
func TestHeartbeatsOfManyStreams(t *testing.T) {
	bubble(t, Options{Heartbeat: 3 * time.Second, Sync: -1}, func(t *testing.T, r *rig) {
		const streams = 200
		var recs []*recorder
		for i := range streams {
			rec, stop := r.start("/sse")
			defer stop()
			synctest.Wait()
			recs = append(recs, rec)
			time.Sleep(time.Duration(i%7) * time.Millisecond)
		}
		for _, rec := range recs {
			rec.take()
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		for i, rec := range recs {
			got := rec.take()
			if got != strings.Repeat(heartbeatComment, 10) &&
				got != strings.Repeat(heartbeatComment, 9) {
				t.Fatalf("stream %d wrote %q in 30 s", i, got)
			}
		}
	})
}

// The queue returns exactly the streams that are due, for any order of schedules and ends.
func TestDueQueue(t *testing.T) { rapid.Check(t, checkDueQueue) }

func checkDueQueue(t *rapid.T) {
	h := &Handler{start: time.Now(), due: dueQueue{at: never}}
	h.due.timer = time.AfterFunc(time.Hour, func() {}) // the test calls takeDue itself
	var running []*stream
	due := map[*stream]int64{}
	pick := func(t *rapid.T) (i int, s *stream) {
		if len(running) == 0 {
			t.Skip("no stream")
		}
		i = rapid.IntRange(0, len(running)-1).Draw(t, "stream")
		return i, running[i]
	}
	t.Repeat(map[string]func(*rapid.T){
		"add": func(t *rapid.T) {
			s := newStream(h, auth.Identity{}, names{}, nil)
			h.add(s)
			running, due[s] = append(running, s), never
		},
		"schedule": func(t *rapid.T) {
			_, s := pick(t)
			at := rapid.SampledFrom([]int64{-1, 0, int64(time.Hour), int64(2 * time.Hour)}).Draw(t,
				"at")
			h.schedule(s, at)
			due[s] = min(due[s], at)
		},
		"end": func(t *rapid.T) {
			i, s := pick(t)
			h.remove(s)
			h.schedule(s, 0) // too late
			running = slices.Delete(running, i, i+1)
			delete(due, s)
		},
		"": func(t *rapid.T) {
			for _, s := range h.takeDue() {
				if at, runs := due[s]; !runs || at > 0 {
					t.Fatalf("got a stream that is due at %d, running %t", at, runs)
				}
				due[s] = never
			}
			for s, at := range due {
				if at <= 0 || s.due.Load() != at || h.due.streams[s.place] != s {
					t.Fatalf("due at %d, the queue has %d", at, s.due.Load())
				}
			}
			if len(due) != h.Len() {
				t.Fatalf("%d streams, want %d", h.Len(), len(due))
			}
		},
	})
	for _, s := range running {
		h.remove(s)
	}
}
