package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func words(messages []*Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, strings.Trim(string(m.Data), `"`))
	}
	return strings.Join(all, " ")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistorySize: 4, MaxReplay: 5})
	for i := range 8 { // x: 5 to 8 are kept, y: 1 3 5 7
		to := []string{"x"}
		if i%2 == 0 {
			to = []string{"x", "y"}
		}
		send(t, h, fmt.Sprint(i+1), to...)
	}
	other := Cursor{ID: ID{0xabad1dea, 3}}
	for name, c := range map[string]struct {
		rooms string
		since Cursor
		limit int
		want  string
		gap   bool
	}{
		"newest":               {"x", Cursor{}, 0, "5 6 7 8", false},
		"newest two":           {"x", Cursor{}, 2, "7 8", false},
		"newest of both":       {"x y", Cursor{}, 3, "6 7 8", false},
		"each once":            {"x y x", Cursor{All: true}, 5, "1 3 5 6 7", false},
		"not above the most":   {"x y", Cursor{All: true}, 100, "1 3 5 6 7", false},
		"all, the oldest two":  {"x", Cursor{All: true}, 2, "5 6", false},
		"after an id":          {"x y", *at(5), 2, "6 7", false},
		"just covered":         {"x", *at(4), 0, "5 6 7 8", false},
		"trimmed":              {"x", *at(3), 0, "5 6 7 8", true},
		"trimmed in the other": {"y x", *at(3), 0, "5 6 7 8", true},
		"not trimmed there":    {"y", *at(0), 0, "1 3 5 7", false},
		"at the head":          {"x", *at(8), 0, "", false},
		"ahead":                {"x", *at(9), 0, "", true},
		"another epoch":        {"x", other, 2, "5 6", true},
		"invalid":              {"x", Cursor{Invalid: true}, 0, "", true},
		"an unknown room":      {"z", *at(0), 0, "", false},
		"no room":              {"", Cursor{}, 0, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, gap := stored(t, h, strings.Fields(c.rooms), c.since, c.limit)
			if words(got) != c.want || gap != c.gap {
				t.Errorf("got %s, gap %v, want %s, %v", words(got), gap, c.want, c.gap)
			}
		})
	}
}

// History reports a gap for a room that was freed with its history.
func TestHistoryOfFreedRoom(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newHub(t, Options{Now: func() time.Time { return now }})
	h.stop()
	send(t, h, "1", "x")
	h.Sweep(now.Add(time.Hour))
	if got, gap := stored(t, h, []string{"x"}, *at(0), 0); got != nil || !gap {
		t.Errorf("%v, gap %v", got, gap)
	}
	if got, gap := stored(t, h, []string{"x"}, *at(1), 0); got != nil || gap {
		t.Errorf("after it: %v, gap %v", got, gap)
	}
}

// short sends a message with a TTL of 10 s.
func short(t *testing.T, h *Hub, text string) {
	t.Helper()
	deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t", Data: fmt.Appendf(nil, "%q", text),
		TTL: 10 * time.Second})
}

func TestTTLLimitsReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{MaxReplay: 2})
		defer h.Close()
		live := attach(t, h, Attachment{ClientID: "live", Rooms: []string{"x"}})
		send(t, h, "1", "x")
		short(t, h, "2")
		send(t, h, "3", "x")
		time.Sleep(10*time.Second - time.Millisecond)
		back := func(since uint64) *Member {
			return attach(t, h, Attachment{ClientID: fmt.Sprint(since, time.Now()),
				Rooms: []string{"x"}, Resume: at(since)})
		}
		expect(t, back(1), "2 3 recovery(true 2 1>3)")
		time.Sleep(time.Millisecond)
		expect(t, back(1), "3 recovery(true 1 1>3)")
		expect(t, back(0), "1 3 recovery(true 2 0>3)") // expired messages do not count for too_many
		if got, gap := stored(t, h, []string{"x"}, *at(0), 0); words(got) != "1 3" || gap {
			t.Errorf("history %s, gap %v", words(got), gap)
		}
		if got, _ := stored(t, h, []string{"x"}, Cursor{}, 2); words(got) != "1 3" {
			t.Errorf("newest %s", words(got))
		}
		expect(t, live, "1 2 3") // at any later time
	})
}

// A client that reconnects has not missed a message that was trimmed after its TTL. A member that
// was connected and too slow has.
func TestTTLAndTrimming(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{HistorySize: 100})
		defer h.Close()
		slow := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"x"}})
		for range inboxSize {
			send(t, h, "a", "y")
		}
		for range inboxSize + 1 { // the slow one lags
			short(t, h, "b")
		}
		if !slow.Lagging() {
			t.Fatal("does not lag")
		}
		time.Sleep(11 * time.Second)
		if got := shown(pull(slow)); strings.Count(got, "b") != inboxSize+1 {
			t.Errorf("a lagging connection got %s", got)
		}
		for range inboxSize + 1 {
			short(t, h, "c")
		}
		time.Sleep(11 * time.Second)
		for range 100 { // trims the short ones
			send(t, h, "d", "x")
		}
		m := attach(t, h, Attachment{ClientID: "back", Rooms: []string{"x"}, Resume: at(inboxSize)})
		if got := shown(pull(m)); strings.Contains(got, "gap") || strings.Count(got, "d") != 100 {
			t.Errorf("resumed: %s", got)
		}
		if got := shown(pull(slow)); !strings.HasPrefix(got, "gap(trimmed 129>194 [x] id 129) d") {
			t.Errorf("the slow one: %s", got)
		}
	})
}

func TestTTLValidation(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	for want, n := range map[string]Notification{
		"ttl: is -1s, expected a positive duration": {Type: "t",
			TTL: -time.Second},
		"ttl: limits the replay, which a volatile notification does not have": {Type: "t",
			TTL: time.Second, Volatile: true},
	} {
		if _, err := h.Publish(t.Context(), n, ToAll()); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	_, err := h.Publish(t.Context(), Notification{Type: "t", TTL: time.Minute}, ToChannel("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := stored(t, h, []string{"x"}, Cursor{}, 0); len(got) != 1 || got[0].TTL != time.Minute {
		t.Errorf("history %v", got)
	}
}
