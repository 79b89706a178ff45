package redisstream

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
	"github.com/roomcast/roomcast/notify/presencetest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A password is replaced while the client runs: connections that are made afterwards use the new one.
func TestReloadedPassword(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	former, next := s.URLOf("roomcast", "node-password"), s.URLOf("roomcast", "new-password")
	set := func() error { return c.set(t.Context(), "v") }
	if err := set(); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", ">new-password")
	if err := c.Reload(options(next)); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", "<node-password")
	s.Do(t, "CLIENT", "KILL", "USER", "roomcast")
	servertest.Eventually(t, "the client uses the new password", func() bool { return set() == nil })

	if err := c.Reload(options(former)); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "CLIENT", "KILL", "USER", "roomcast")
	servertest.Eventually(t, "the former password is refused", func() bool {
		err := set()
		for _, password := range []string{"node-password", "new-password"} {
			if err != nil && strings.Contains(err.Error(), password) {
				t.Fatal(err)
			}
		}
		return err != nil && strings.Contains(err.Error(), "WRONGPASS")
	})
	for _, other := range []string{next + "/1", strings.Replace(next, "redis:", "rediss:", 1), "redis://roomcast:p@other:6379"} {
		if err := c.Reload(options(other)); !errors.Is(err, errOtherPlace) {
			t.Errorf("another place: %v", err)
		}
	}
	if err := c.Reload(options("redis://:canary@[")); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("no URL: %v", err)
	}
	if err := c.Reload(options(next)); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the client comes back", func() bool { return set() == nil })
}

func TestDiffersInUser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		one, other string
		want       bool
	}{
		{"redis://h", "redis://u:p@h", true},
		{"redis://u:p@h:6379/0", "redis://v:q@h", true},
		{"redis://u:p@h", "redis://u:p@h2", false},
		{"redis://u:p@h", "redis://u:p@h?cluster=true", false},
		{"redis://u:p@h?cluster=true&addr=i:1", "redis://u:q@h?addr=i:1&cluster=1", true},
		{"unix://u:p@/r.sock", "unix://u:q@/r.sock", true},
		{"redis://s:p@h?master_name=m&password=d", "redis://s:p@h?master_name=m&password=e", true},
		{"redis://s:p@h?master_name=m&password=d", "redis://s:q@h?master_name=m&password=d", false},
		{"redis://h", "http://h", false}, {"http://h", "redis://h", false},
	} {
		if got := DiffersInUser(auth.Secret(tt.one), auth.Secret(tt.other)); got != tt.want {
			t.Errorf("%s and %s: %t", tt.one, tt.other, got)
		}
	}
}

// A server that refuses new connections, because the password is another one now, has stored nothing, and
// its errors say why. What other nodes have is not gone.
func TestPasswordChanges(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	readFrom(t, l)
	add(t, l, "before")
	var later atomic.Int64
	o := options(s.URLOf("roomcast", "node-password"))
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	one, two := shareOn(t, c, 1), shareOn(t, dial(t, o), 2)
	one.Set("u:a", 2, "Ada")
	presencetest.Await(t, two, "u:a", 2)

	s.Do(t, "ACL", "SETUSER", "roomcast", "resetpass", ">other")
	s.Do(t, "CLIENT", "KILL", "USER", "roomcast", "TYPE", "normal")
	servertest.Eventually(t, "the end of the connections", func() bool {
		err := l.Append(t.Context(), []*notify.Message{message("refused")})
		return err != nil && strings.Contains(err.Error(), "WRONGPASS")
	})
	claim := notify.Claim{In: c.KV("test", kvtest.Wide), Key: "k", TTL: time.Minute,
		Value: func([]notify.Result) []byte { return []byte("value") }}
	for _, ctx := range []context.Context{t.Context(), notify.WithClaim(t.Context(), claim)} {
		err := l.Append(ctx, []*notify.Message{message("refused")})
		if !errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrUncertain) ||
			!strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("%v", err)
		}
	}
	if l.IsUp() {
		t.Error("the server is up")
	}
	later.Store(int64(presenceLife))
	silent := o.Now()
	servertest.Eventually(t, "two looks", func() bool {
		two.others.mu.RLock()
		defer two.others.mu.RUnlock()
		peer := two.others.peers[uid(1)]
		return peer == nil || peer.retry.Sub(silent) > 2*presenceRetry
	})
	if n := two.Count("u:a"); n != 2 {
		t.Errorf("%d", n)
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", "resetpass", ">node-password")
	add(t, l, "after")
}

// A node that may not read what comes is not ready: it would take notifications and deliver none.
func TestReadyLogMayRead(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{
		Users: []string{strings.Replace(nodeUser, " +xread", "", 1)}})
	c, log := newClient(t, options(s.URLOf("roomcast", "node-password")))
	l := openLog(t, c, nil)
	readFrom(t, l)
	servertest.Eventually(t, "a line that names the command", func() bool {
		return strings.Contains(log.Text(), "xread")
	})
	if isClosed(l.Ready()) {
		t.Error("it is ready")
	}
	s.Do(t, "ACL", "SETUSER", "roomcast", "+xread")
	servertest.Receive(t, l.Ready())
	add(t, l, "after")
}
