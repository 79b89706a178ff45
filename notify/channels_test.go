package notify

import (
	"fmt"
	"testing"
)

func TestJoinChannels(t *testing.T) {
	h := newHub(t, Options{})
	attach(t, h, Attachment{ClientID: "taken"})
	attach(t, h, Attachment{ClientID: "was", Sessions: []string{"s"}}).Detach()
	m := attach(t, h, Attachment{ClientID: "a", UserID: "u", Namespace: "/n",
		Rooms: []string{"/n#has"}})
	may := func(name string) bool { return name != "secret" }
	joined, denied := h.JoinChannels(m, []string{"one", "user:u", "*", "secret", "taken", "was",
		"has", "one", "two", "three", "Client:x", "a#b"}, may, 3)
	got := fmt.Sprint(joined, denied)
	if got != "[one has one two] [user:u * secret taken was three Client:x a#b]" {
		t.Errorf("joined and denied %s", got)
	}
	if got := sorted(m.Rooms()); got != "/n#* /n#client:a /n#has /n#one /n#two /n#user:u" {
		t.Errorf("rooms %s", got)
	}
	left := h.LeaveChannels(m, []string{"one", "never", "*", "client:a"})
	if fmt.Sprint(left) != "[one never]" {
		t.Errorf("left %v", left)
	}
	if m.In("/n#one") || !m.In("/n#*") || !m.In("/n#client:a") {
		t.Errorf("rooms %v", m.Rooms())
	}
	joined, denied = h.JoinChannels(m, []string{"four", "five"}, nil, NoLimit)
	if len(joined) != 2 || denied != nil {
		t.Errorf("without limit: %v, %v", joined, denied)
	}
}

// A limit of 0 means none: the client keeps its channels and joins no other.
func TestLimitOfZeroChannels(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"has"}})
	joined, denied := h.JoinChannels(m, []string{"has", "one"}, nil, 0)
	if got := fmt.Sprint(joined, denied); got != "[has] [one]" {
		t.Errorf("joined and denied %s", got)
	}
	for limit, want := range map[int]string{
		0: "[] [one two]", 1: "[one] [two]",
		NoLimit: "[one two] []",
	} {
		allowed, denied := h.Admissible([]string{"one", "two"}, nil, limit)
		if got := fmt.Sprint(allowed, denied); got != want {
			t.Errorf("limit %d: allowed and denied %s, want %s", limit, got, want)
		}
	}
}
