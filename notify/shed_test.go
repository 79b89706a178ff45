package notify

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestShedRefusesEveryPublish(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a"})
	send(t, h, "before", "*")
	h.Shed(true)
	text := Text("hi")
	for name, publish := range map[string]func() error{
		"Publish": func() error { _, err := h.Publish(t.Context(), text, ToAll()); return err },
		"Send":    func() error { _, err := h.Send(t.Context(), text, ToAll()); return err },
		"volatile": func() error {
			_, err := h.Publish(t.Context(), text, ToAll(), Volatile())
			return err
		},
		"PublishBatch": func() error {
			_, err := h.PublishBatch(t.Context(), []Publication{{text, ToAll()}})
			return err
		},
		"Say": func() error {
			_, err := h.Say(t.Context(), ClientMessage{Room: "x"}, func(string) bool { return true })
			return err
		},
	} {
		if err := publish(); !errors.Is(err, ErrOverloaded) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := h.Shedding(); n != 5 {
		t.Errorf("%d publishes were refused", n)
	}
	expect(t, m, "before")
	h.Shed(false)
	send(t, h, "after", "*")
	expect(t, m, "after")
}

func TestTrimHistory(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	for i := range 10 {
		send(t, h, fmt.Sprint(i), []string{"x", "*"}[i%2])
	}
	h.TrimHistory(7)
	if s := h.Stats(); s.History != 3 {
		t.Errorf("%d messages are kept", s.History)
	}
	expect(t, attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}, Resume: at(0)}),
		"gap(trimmed 0>7 [* x] id 0) 7 8 9 recovery(false 3 0>10)")
	h.TrimHistory(5000)
	if s := h.Stats(); s.History != 0 || s.HistoryBytes != 0 {
		t.Errorf("%+v", s)
	}
	send(t, h, "again", "x")
}

func TestLaggards(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	h := newHub(t, Options{Now: func() time.Time { return now }})
	var dropped []string
	add := func(id string, resume *Cursor) *Member {
		return attach(t, h, Attachment{ClientID: id, Resume: resume,
			Drop: func(reason string) { dropped = append(dropped, id+" "+reason) }})
	}
	lags := func(most int) (ids []string) {
		for _, m := range h.Laggards(most) {
			ids = append(ids, m.ClientID())
		}
		return ids
	}
	publish := func(n int) {
		for range n {
			send(t, h, "x", "*")
		}
	}
	want := func(most int, want string) {
		t.Helper()
		if got := fmt.Sprint(lags(most)); got != want {
			t.Errorf("laggards %s, want %s", got, want)
		}
	}
	first := add("first", nil)
	publish(3)
	add("second", nil)
	reads := add("reads", nil)
	publish(inboxSize)
	want(9, "[first]") // the inbox of the second is full
	pull(reads)
	publish(1)
	add("resumes", at(2))
	want(9, "[first second]")
	want(1, "[first]")
	now = now.Add(catchUpTime)
	want(9, "[first resumes second]")
	first.Drop("short")
	want(9, "[resumes second]")
	first.Detach()
	if got := fmt.Sprint(dropped); got != "[first short]" {
		t.Errorf("dropped %s", got)
	}
}
