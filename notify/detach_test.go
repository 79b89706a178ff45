package notify

import "testing"

// A server whose log ends with it detaches a member when the inbox has everything: a burst that
// arrives after the last Pull makes the member lag, and its messages are in the index only.
func TestDetachLive(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	detached := 0
	h.OnDetach(func(*Member) { detached++ })
	m := attach(t, h, Attachment{ClientID: "a"})
	pull(m)
	for range inboxSize + 10 {
		send(t, h, "x", "*")
	}
	if m.DetachLive() || detached != 0 {
		t.Fatal("a lagging member was detached")
	}
	if got := len(pull(m)); got != inboxSize+10 {
		t.Errorf("pulled %d messages", got)
	}
	for range inboxSize {
		send(t, h, "x", "*")
	}
	for range 2 {
		if !m.DetachLive() || detached != 1 {
			t.Errorf("detached %d times", detached)
		}
	}
	if got := len(pull(m)); got != inboxSize {
		t.Errorf("pulled %d messages after the end", got)
	}
	if receipt := send(t, h, "x", "*"); receipt.Delivered != 0 {
		t.Error("the Hub counts a detached member")
	}
}
