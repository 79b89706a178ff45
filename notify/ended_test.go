package notify_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// A session that the server has ended does not come back before the store has removed it, at no node.
func TestEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *client){
		"void":   func(c *client) { c.Void() },
		"forget": func(c *client) { c.h.ForgetSession(pid) },
		"rename": func(c *client) { c.RenameSession(pid, "pid:other") },
	} {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", slow store ", slow), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					n := newNodes(t, "a", "b", "c")
					defer n.close()
					c := n.connect("a", "sid", notify.Attachment{Rooms: []string{"x"}, Sessions: []string{pid}})
					c.Join("granted")
					saved()
					cursor := n.hubs["a"].Head()
					if slow {
						n.store.SetDelay(time.Second)
					}
					end(c)
					c.Detach()
					if slow {
						saved() // the store removes it now
					}
					for _, node := range []string{"a", "b", "c", "b", "a"} {
						back := n.resume(node, fmt.Sprint(node, time.Now().UnixNano()), cursor, pid)
						n.expect(back, false, "")
						back.Detach()
						time.Sleep(time.Millisecond)
					}
					time.Sleep(5 * time.Second)
					if _, ok := n.store.All()[pid]; ok {
						t.Error("the store has the session")
					}
				})
			})
		}
	}
}

// The former owner removes a session between the moment when another node takes it and its question.
func TestSessionEndsWhileItIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		c := n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}})
		saved()
		c.Void()
		calls := 0
		_, ok := n.hubs["b"].ResumeSession(t.Context(), pid, func(notify.Session) bool {
			if calls++; calls == 2 { // it is taken
				saved()
			}
			return true
		})
		if ok || calls < 2 {
			t.Errorf("resumed %v after %d calls", ok, calls)
		}
	})
}

// A session that ends after ResumeSession is not resumed, and gives no rooms to a new client id.
func TestTakenSessionEndsBeforeAttach(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		c := n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}})
		c.Join("granted")
		c.Detach()
		saved()
		b := n.hubs["b"]
		s, ok := b.ResumeSession(t.Context(), pid, func(notify.Session) bool { return true })
		if !ok {
			t.Fatal("no session")
		}
		b.EndSessions("u")
		a := notify.Attachment{ClientID: "new", UserID: "u", Granted: s.Granted,
			Resume: &notify.Cursor{ID: b.Head()},
			Former: &notify.Former{ClientID: s.ClientID, Sessions: []string{pid}}}
		if _, err := b.Attach(a); !errors.Is(err, notify.ErrSessionEnded) {
			t.Errorf("error %v", err)
		}
	})
}

// The sessions of a user end also where a node is taking them over.
func TestUserEndsWhileSessionIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNodes(t, "a", "b")
		defer n.close()
		n.connect("a", "sid", notify.Attachment{Sessions: []string{pid}}).Detach()
		saved()
		calls := 0
		_, ok := n.hubs["b"].ResumeSession(t.Context(), pid, func(notify.Session) bool {
			if calls++; calls == 2 { // it is taken
				n.hubs["b"].EndSessions("u")
			}
			return true
		})
		if ok || calls < 2 {
			t.Errorf("resumed %v after %d calls", ok, calls)
		}
	})
}
