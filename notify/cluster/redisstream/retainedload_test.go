package redisstream

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A server that syncs before it acknowledges is killed under load: it has for each type exactly the
// newest entry of the stream, none older than what was acknowledged, and all nodes have the same.
func TestRetainedServerIsKilled(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Append: "always"})
	c := dial(t, options(s.URL()))
	hubs := []*notify.Hub{newHub(t, openLog(t, c, nil)), newHub(t, openLog(t, c, nil))}
	const writers = 4
	var running sync.WaitGroup
	var sent atomic.Int64
	quit := make(chan struct{})
	acked := make([]notify.ID, writers)
	for w := range writers {
		running.Go(func() {
			h, kind := hubs[w%2], fmt.Sprint("t", w)
			for i := 0; !isClosed(quit); i++ {
				id, err := tryRetain(t.Context(), h, kind, fmt.Sprint(i), 0)
				if err == nil {
					acked[w] = id
					sent.Add(1)
				}
				if i%10 == 9 { // of which the outcome may not be known
					if _, err := h.DeleteRetained(t.Context(), notify.ToChannel("c"), kind); err == nil {
						acked[w] = notify.ID{}
					}
				}
			}
		})
	}
	more := func(n int64) {
		n += sent.Load()
		servertest.Eventually(t, "more publishes", func() bool { return sent.Load() >= n })
	}
	for range servertest.Soaked(2) {
		more(100)
		s.Kill()
		s.Restart(t)
	}
	more(100)
	close(quit)
	running.Wait()
	l := openLog(t, c, nil)
	want := shown(newHub(t, l))
	for i, h := range hubs {
		servertest.Eventually(t, fmt.Sprintf("node %d has the same", i), func() bool {
			return slices.Equal(shown(h), want)
		})
	}
	expectNewest(t, s, l, want)
	for w, id := range acked {
		if id.IsZero() {
			continue
		}
		at := slices.IndexFunc(want, func(text string) bool { return strings.Contains(text, fmt.Sprint(" t", w, " ")) })
		if at < 0 { // a deletion without an answer can be carried out
			t.Logf("type t%d was acknowledged as %v and is deleted", w, id)
		} else if got, _ := notify.ParseID(strings.Fields(want[at])[0]); got.Seq < id.Seq {
			t.Errorf("type t%d: %v, and %v was acknowledged", w, got, id)
		}
	}
}

// expectNewest checks that what is retained is what the entries of the stream say.
func expectNewest(t *testing.T, s *redistest.Server, l *Log, want []string) {
	t.Helper()
	reply, _ := s.Do(t, "XRANGE", "socket.io", "-", "+").([]any)
	entries, err := readEntries(reply)
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]string{}
	for i := range entries {
		m, signal, _, _ := l.message(&entries[i])
		switch {
		case m != nil && m.Retain:
			newest[m.Type] = m.ID.String()
		case signal != nil && signal.Deleted != nil:
			if newest[signal.Deleted.Type] != signal.Deleted.ID.String() {
				t.Errorf("%v is deleted, and %s is the newest", signal.Deleted, newest[signal.Deleted.Type])
			}
			delete(newest, signal.Deleted.Type)
		}
	}
	got := map[string]string{}
	for _, text := range want {
		got[strings.Fields(text)[1]] = strings.Fields(text)[0]
	}
	if fmt.Sprint(got) != fmt.Sprint(newest) {
		t.Errorf("retained %v, want %v", got, newest)
	}
}

// Nodes that start while others publish and delete have the same in the end.
func TestRetainedWhileChanging(t *testing.T) {
	t.Parallel()
	s, c, writers := startHubs(t, 2)
	var running sync.WaitGroup
	quit := make(chan struct{})
	for w := range 4 {
		running.Go(func() {
			for i := 0; !isClosed(quit); i++ {
				kind := fmt.Sprint("t", (i*7+w)%60)
				if i%3 == 2 {
					if _, err := writers[w%2].DeleteRetained(t.Context(), notify.ToChannel("c"), kind); err != nil {
						t.Error(err)
					}
				} else if _, err := tryRetain(t.Context(), writers[w%2], kind, fmt.Sprint(w, " ", i), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	hubs := slices.Clone(writers)
	for range servertest.Soaked(5) {
		hubs = append(hubs, newHub(t, openLog(t, c, nil)))
	}
	close(quit)
	running.Wait()
	l := openLog(t, c, nil)
	want := shown(newHub(t, l))
	for i, h := range hubs {
		servertest.Eventually(t, fmt.Sprintf("node %d has the same", i), func() bool {
			return slices.Equal(shown(h), want)
		})
	}
	expectNewest(t, s, l, want)
}
