package notify

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func kept(t testing.TB, h *Hub, key string) string {
	t.Helper()
	s, ok := h.Session(key)
	if !ok {
		return "none"
	}
	if s.Key != key {
		t.Errorf("session %q of key %q", s.Key, key)
	}
	return fmt.Sprintf("%s %s %s [%s] %d", s.UserID, s.ClientID, s.Namespace, sorted(s.Channels),
		s.Cursor.Seq)
}

func TestSessionOutlivesMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{SessionTTL: 10 * time.Second})
		send(t, h, "1", "*")
		m := attach(t, h, Attachment{ClientID: "a", UserID: "u", Rooms: []string{"x"},
			Sessions: []string{"k", "tab"}})
		send(t, h, "2", "*")
		m.Join("y")
		m.Leave("x")
		h.JoinChannels(m, []string{"z"}, nil, NoLimit)
		const want = "u a / [y z] 1"
		for _, key := range []string{"k", "tab"} {
			if got := kept(t, h, key); got != want {
				t.Errorf("session %s while attached %s", key, got)
			}
		}
		if s, _ := h.Session("k"); !s.Expires.IsZero() {
			t.Errorf("expires %v while attached", s.Expires)
		}
		time.Sleep(time.Minute)
		m.Detach()
		time.Sleep(9 * time.Second)
		if got := kept(t, h, "k"); got != want || !h.IsClientID("a") {
			t.Errorf("session after 9 s %s", got)
		}
		time.Sleep(time.Second)
		if got := kept(t, h, "k"); got != "none" || h.IsClientID("a") || h.Stats().Sessions != 0 {
			t.Errorf("session after 10 s %s", got)
		}
		h.Close()
	})
}

// The sweeper ends sessions that no client resumes.
func TestSessionsAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{SessionTTL: 10 * time.Second})
		for i := range 5 {
			attach(t, h, Attachment{ClientID: fmt.Sprint(i),
				Sessions: []string{fmt.Sprint(i)}}).Detach()
			time.Sleep(2 * time.Second)
		}
		// After 13.5 s, the sessions of 0 s and 2 s have expired.
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		if n := h.Stats().Sessions; n != 3 {
			t.Errorf("%d sessions", n)
		}
		h.Close()
	})
}

func TestNewestMemberOwnsSession(t *testing.T) {
	h := newHub(t, Options{})
	old := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"old"}, Sessions: []string{"k"}})
	attach(t, h, Attachment{ClientID: "b", Rooms: []string{"new"}, Sessions: []string{"k"}})
	old.Join("late")
	old.Detach() // a late Detach must not overwrite the new session
	if got := kept(t, h, "k"); got != " b / [new] 0" || h.IsClientID("a") {
		t.Errorf("session %s", got)
	}
	h.Member("/", "b").Detach()
	back := attach(t, h, Attachment{ClientID: "c", Sessions: []string{"k"}})
	if h.Stats().Sessions != 0 || h.IsClientID("b") {
		t.Error("the kept session stays beside the new one")
	}
	back.Detach()
	if got := kept(t, h, "k"); got != " c / [] 0" {
		t.Errorf("session %s", got)
	}
}

func TestVoidAndForget(t *testing.T) {
	h := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "a", Sessions: []string{"k", "tab"}})
	m.Void()
	m.Detach()
	attach(t, h, Attachment{ClientID: "b", Sessions: []string{"kept"}}).Detach()
	attach(t, h, Attachment{ClientID: "c", Sessions: []string{"live"}})
	for _, key := range []string{"kept", "live", "never"} {
		h.ForgetSession(key)
	}
	for _, key := range []string{"k", "tab", "kept", "live"} {
		if got := kept(t, h, key); got != "none" {
			t.Errorf("session %s is %s", key, got)
		}
	}
	if h.IsClientID("a") || h.IsClientID("b") || !h.IsClientID("c") {
		t.Error("client ids outlive their sessions")
	}
}

// All sessions of a user end, also those whose connections are lost. Those of others stay.
func TestEndSessions(t *testing.T) {
	h := newHub(t, Options{})
	attach(t, h, Attachment{ClientID: "kept", UserID: "u", Sessions: []string{"kept", "tab"}}).Detach()
	attach(t, h, Attachment{ClientID: "live", UserID: "u", Sessions: []string{"live"}})
	attach(t, h, Attachment{ClientID: "n", UserID: "u", Namespace: "/n", Sessions: []string{"n"}})
	attach(t, h, Attachment{ClientID: "v", UserID: "v", Sessions: []string{"v"}}).Detach()
	attach(t, h, Attachment{ClientID: "anonymous", Sessions: []string{"anonymous"}})
	var ids []string
	for _, m := range h.EndSessions("u") {
		ids = append(ids, m.ClientID())
		m.Detach()
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"live", "n"}) {
		t.Errorf("members %q", ids)
	}
	if members := h.EndSessions(""); members != nil {
		t.Errorf("%d members of no user", len(members))
	}
	for _, key := range []string{"kept", "tab", "live", "n"} {
		if got := kept(t, h, key); got != "none" {
			t.Errorf("session %s is %s", key, got)
		}
	}
	for _, key := range []string{"v", "anonymous"} {
		if _, ok := h.Session(key); !ok {
			t.Errorf("session %s has ended", key)
		}
	}
	if n := h.Stats().Sessions; n != 1 || h.IsClientID("kept") {
		t.Errorf("%d sessions are kept", n)
	}
}

// A session that ends between ResumeSession and Attach is not resumed: its rooms are in the Attachment.
func TestSessionEndsBeforeAttach(t *testing.T) {
	h := newHub(t, Options{})
	attach(t, h, Attachment{ClientID: "a", UserID: "u", Sessions: []string{"k"}}).Detach()
	if _, ok := h.ResumeSession(t.Context(), "k", func(Session) bool { return true }); !ok {
		t.Fatal("no session")
	}
	h.EndSessions("u")
	a := Attachment{ClientID: "b", UserID: "u", Granted: []string{"x"}, Resume: at(0),
		Former: &Former{ClientID: "a", Sessions: []string{"k"}}}
	if _, err := h.Attach(a); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("error %v", err)
	}
	if n := len(h.Members()); n != 0 {
		t.Errorf("%d members", n)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	h := newHub(t, Options{MaxSessions: 3})
	for i := range 5 {
		attach(t, h, Attachment{ClientID: fmt.Sprint(i),
			Sessions: []string{fmt.Sprint("k", i)}}).Detach()
	}
	h.stop() // the sweep, so that the test can read without the lock
	got := ""
	for i := range 5 {
		if _, ok := h.Session(fmt.Sprint("k", i)); ok {
			got += fmt.Sprint(i)
		}
	}
	if got != "234" || len(h.ids) != 3 {
		t.Errorf("kept %s, %d ids", got, len(h.ids))
	}
}

// The cursor of a session is a position at which its client can have stopped, so an unusable cursor
// is not kept.
func TestSessionCursor(t *testing.T) {
	for name, c := range map[string]struct {
		resume *Cursor
		want   uint64
	}{
		"none": {nil, 4}, "resumed": {at(2), 2}, "all": {&Cursor{All: true}, 0},
		"invalid": {&Cursor{Invalid: true}, 4}, "ahead": {at(9), 4},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Options{})
			numbers(t, h, 4)
			attach(t, h, Attachment{ClientID: "a", Resume: c.resume, Sessions: []string{"k"}})
			if s, _ := h.Session("k"); s.Cursor != (ID{0x5f3a9c01, c.want}) {
				t.Errorf("cursor %v", s.Cursor)
			}
		})
	}
}
