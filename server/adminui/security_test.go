package adminui

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// Nobody enters without the password, and nothing of a stranger is kept.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeToken, nil)
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "admin", "exp": time.Now().Add(time.Hour).Unix()})
	const refused = `44/admin,{"message":"invalid credentials","data":{"code":"invalid_token"}}`
	for _, payload := range []string{
		``, `{}`, `{"username":"admin"}`, `{"password":"changeit"}`, `{"sessionId":""}`,
		`{"sessionId":"0123456789abcdef0123456789abcdef"}`, `{"sessionId":{"a":1}}`,
		`{"username":"admin","password":["changeit"]}`,
		`{"token":"` + token + `"}`, `{"userId":"admin"}`,
		`{"username":"admin","password":"wrong"}`, `{"username":"root","password":"changeit"}`,
		`{"username":"admin","password":"changeit` + strings.Repeat(" ", maxPassword) + `"}`,
	} {
		c := s.Dial("")
		c.Send("40/admin," + payload)
		if got := c.Read(); got != refused {
			t.Errorf("%s: %s", payload, got)
		}
		_ = c.Conn.Close()
	}
	stats := s.Hub.Stats()
	if stats.Members != 0 || stats.Sessions != 0 || stats.Rooms != 0 || stats.Published != 0 {
		t.Errorf("strangers left %+v", stats)
	}
	if text := s.log.Text(); strings.Contains(text, "wrong") || strings.Contains(text, "root") ||
		!strings.Contains(text, `"action":"adminUiLogin","actor":"admin-ui","result":"invalid_token","ip":"127.0.0.1"`) {
		t.Errorf("the audit log is %s", text)
	}
}

// A user of the application is not an admin, and an event for the namespace needs a login.
func TestUsersAreNoAdmins(t *testing.T) {
	t.Parallel()
	s := newStack(t, auth.ModeOpen, func(o *Options) { o.ReadOnly = false })
	user, connected := s.Connect(`{"userId":"u1"}`)
	user.Send(`42/admin,1["_disconnect","/",true]`)
	user.Closed()
	if s.Hub.Member("/admin", connected.ClientID) != nil {
		t.Error("the user is a member of /admin")
	}
	s.Alive()
}

// An address that has sent too many wrong passwords is refused without a comparison, with the right
// one, too. Others are not.
func TestFailuresOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	a := newAttempts()
	a.failures = limit.NewRates(rate.Every(time.Hour), 3)
	one, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::1")
	compared := 0
	try := func(ip netip.Addr, right bool) error {
		return a.run(t.Context(), ip, func() bool { compared++; return right })
	}
	if err := try(one, true); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := try(one, false); !errors.Is(err, auth.ErrInvalid) {
			t.Fatal(err)
		}
	}
	var limited *auth.Error
	if err := try(netip.MustParseAddr("2001:db8::2"), true); !errors.As(err, &limited) ||
		limited.Code != "rate_limited" || limited.RetryAfter < time.Minute {
		t.Errorf("the neighbour of the address: %v", err)
	}
	if compared != 4 {
		t.Errorf("%d comparisons", compared)
	}
	if err := try(other, true); err != nil {
		t.Errorf("another address: %v", err)
	}
}

// A flood runs one comparison at a time and waits in a bounded number of places, of which an address
// has one. Who waits too long is refused.
func TestFloodOfLoginsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts()
		running, done := make(chan struct{}, 100), make(chan struct{})
		results := make(chan error, 100)
		start := func(ip string) {
			go func() {
				results <- a.run(context.Background(), netip.MustParseAddr(ip), func() bool {
					running <- struct{}{}
					<-done
					return true
				})
			}()
		}
		for i := range 40 {
			start(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String())
			start(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String())
		}
		synctest.Wait()
		if len(running) != 1 || len(results) != 80-maxWaiting || a.places() != maxWaiting {
			t.Fatalf("%d comparisons, %d refused, %d wait", len(running), len(results), a.places())
		}
		time.Sleep(maxWait + time.Second)
		synctest.Wait()
		if len(running) != 1 || len(results) != 79 || a.places() != 1 {
			t.Fatalf("later: %d comparisons, %d refused, %d wait", len(running), len(results), a.places())
		}
		for range 79 {
			var limited *auth.Error
			if err := <-results; !errors.As(err, &limited) || limited.Code != "rate_limited" {
				t.Fatal(err)
			}
		}
		close(done)
		if err := <-results; err != nil {
			t.Errorf("the one that ran: %v", err)
		}
		start("192.0.2.200")
		if err := <-results; err != nil || a.places() != 0 {
			t.Errorf("after the flood: %v, %d wait", err, a.places())
		}
	})
}

func TestSessionsEndAndAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSessions()
	s.now = func() time.Time { return now }
	first := s.add()
	if !s.has(first) || s.has("") || s.has(first[1:]) {
		t.Error("the session is not known, or another one is")
	}
	var last string
	for range maxSessions {
		now = now.Add(time.Second)
		last = s.add()
	}
	if s.has(first) || !s.has(last) || len(s.expiry) != maxSessions {
		t.Errorf("%d sessions, the first %v", len(s.expiry), s.has(first))
	}
	now = now.Add(sessionTTL)
	if s.has(last) {
		t.Error("a session lasts longer than a day")
	}
	s.add()
	if len(s.expiry) != 1 {
		t.Errorf("%d sessions are kept", len(s.expiry))
	}
}

// places returns how many attempts run or wait.
func (t *attempts) places() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
