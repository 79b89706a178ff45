package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hookFunc is a Hook.
type hookFunc func(context.Context, Question) (Answer, error)

func (f hookFunc) Ask(ctx context.Context, q Question) (Answer, error) { return f(ctx, q) }
func (f hookFunc) Overloaded(from netip.Addr) error {
	if from.Is6() {
		return ErrHookUnavailable
	}
	return nil
}

func answers(a Answer) hookFunc {
	return func(context.Context, Question) (Answer, error) { return a, nil }
}

func hooked(t testing.TB, hook Hook) *Authenticator {
	t.Helper()
	a, err := New(Options{Mode: ModeHook, Hook: hook, Tickets: NewTickets(nil),
		PublicChannels: []string{"public"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestHookMode(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no hook": {Mode: ModeHook},
		"a key":   {Mode: ModeHook, Hook: answers(Answer{}), Secret: testSecret},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	a := hooked(t, answers(Answer{UserID: "u1", Channels: []string{"a*"}, Publish: []string{"b"},
		Rooms: []string{"r"}, Data: json.RawMessage(`{"n":1}`)}))
	id, err := a.Authenticate(t.Context(), Credentials{UserID: "other"}, SocketIO)
	if err != nil || id.UserID != "u1" || id.Username != "u1" || !id.Verified || id.Anonymous ||
		!id.MayJoin("a1") || !id.MayJoin("public") || id.MayJoin("b") || !id.MayPublish("b") ||
		id.MayPublish("a1") || id.Rooms[0] != "r" || string(id.Data) != `{"n":1}` || id.CanRenew() {
		t.Errorf("%+v, %v", id, err)
	}
	id, err = hooked(t, answers(Answer{Username: "Guest"})).Authenticate(t.Context(), Credentials{}, SocketIO)
	if err != nil || !id.Anonymous || id.Verified || id.RoomUser() != "" || id.Username != "Guest" {
		t.Errorf("%+v, %v", id, err)
	}
	if a.Overloaded(netip.MustParseAddr("::1")) == nil || a.Overloaded(netip.Addr{}) != nil ||
		newAuth(t, Options{}).Overloaded(netip.MustParseAddr("::1")) != nil {
		t.Error("Overloaded does not ask the hook, or another mode does")
	}
}

// A ticket of a backend is accepted without a question, and an invalid one is not passed on.
func TestTicketsInHookMode(t *testing.T) {
	t.Parallel()
	a := hooked(t, hookFunc(func(context.Context, Question) (Answer, error) {
		t.Error("the hook is asked")
		return Answer{}, nil
	}))
	ticket, _, err := a.current.Load().tickets.Issue("u1", "", []string{"c"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.Authenticate(t.Context(), Credentials{Ticket: ticket}, EventSource)
	if err != nil || id.UserID != "u1" || !id.MayJoin("c") || !id.MayJoin("public") || id.MayJoin("x") {
		t.Errorf("%+v, %v", id, err)
	}
	_, err = a.Authenticate(t.Context(), Credentials{Ticket: ticket}, EventSource)
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("used again: %v", err)
	}
}

// Fields that the server reads in other modes are the application's own.
func TestQuestion(t *testing.T) {
	t.Parallel()
	var asked []string
	a := hooked(t, hookFunc(func(_ context.Context, q Question) (Answer, error) {
		asked = append(asked, string(q.Client))
		return Answer{}, nil
	}))
	r := httptest.NewRequest("GET", "/socket.io/?EIO=4&userId=%20&x=<&x=2", nil)
	r.Header.Set("Cookie", "a=1")
	r.Header.Add("X-Forwarded-For", "1.1.1.1")
	r.Header.Add("X-Forwarded-For", "2.2.2.2")
	c := FromRequest(r)
	c.ForHook, c.Namespace, c.Via, c.Address = true, "/chat", "polling", netip.MustParseAddr("::1")
	c, err := c.WithAuth(payload(t, `{"token":[1],"userId":{},"ticket":7,"channels":[{}],"pid":"p","offset":"o"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), c, SocketIO); err != nil {
		t.Fatal(err)
	}
	want := `{"namespace":"/chat","auth":{"channels":[{}],"ticket":7,"token":[1],"userId":{}},` +
		`"query":{"EIO":"4","userId":" ","x":["<","2"]},` +
		`"headers":{"cookie":"a=1","x-forwarded-for":"1.1.1.1, 2.2.2.2"},"ip":"::1","transport":"polling"}`
	if asked[0] != want {
		t.Errorf("got  %s\nwant %s", asked[0], want)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c); strings.Contains(text, "a=1") {
			t.Errorf("%s shows a cookie: %s", format, text)
		}
	}
	r.Header.Set("Cookie", strings.Repeat("x", maxQuestion))
	_, err = a.Authenticate(t.Context(), FromRequest(r), EventSource)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 413 {
		t.Errorf("a large question: %v", err)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var next Answer
		var fails error
		var asked []string
		a := hooked(t, hookFunc(func(_ context.Context, q Question) (Answer, error) {
			asked = append(asked, string(q.Client))
			return next, fails
		}))
		next = Answer{UserID: "u1", ExpiresAt: time.Now().Add(time.Millisecond)}
		id, err := a.Authenticate(t.Context(), Credentials{Namespace: "/"}, SocketIO)
		if err != nil || !id.CanRenew() || time.Until(id.ExpiresAt) != minLife {
			t.Fatalf("%+v, %v: want at least a second", id, err)
		}
		renew := func() (got Identity, err error) {
			a.Renew(t.Context(), id, func(renewed Identity, e error) { got, err = renewed, e })
			synctest.Wait()
			return got, err
		}
		if got, err := renew(); err != nil || got.UserID != "u1" || len(asked) != 2 || asked[0] != asked[1] {
			t.Errorf("%+v, %v, asked %q", got, err, asked)
		}
		next = Answer{UserID: "u2"}
		if _, err := renew(); !errors.Is(err, ErrForbidden) {
			t.Errorf("another user: %v", err)
		}
		for _, e := range []error{ErrHookUnavailable, context.DeadlineExceeded} {
			fails = e
			if _, err := renew(); !errors.Is(err, ErrHookUnavailable) {
				t.Errorf("%v: %v", e, err)
			}
		}
		// The token in the kept question is replaced.
		next, fails = Answer{UserID: "u1"}, nil
		if _, err := a.Refresh(t.Context(), id, "new"); err != nil || !strings.Contains(asked[len(asked)-1], `"auth":{"token":"new"}`) {
			t.Errorf("%v, asked %s", err, asked[len(asked)-1])
		}
		id.question = nil
		if _, err := a.Refresh(t.Context(), id, "new"); !errors.Is(err, ErrForbidden) {
			t.Errorf("without an end: %v", err)
		}
	})
}

// A connection that sent a large question is not kept beyond its end, because the question would be
// kept with it.
func TestLargeQuestionsAreNotKept(t *testing.T) {
	t.Parallel()
	a := hooked(t, answers(Answer{ExpiresAt: time.Now().Add(time.Hour)}))
	for size, want := range map[int]bool{100: true, maxKept: false} {
		r := httptest.NewRequest("GET", "/sse", nil)
		r.Header.Set("Cookie", strings.Repeat("x", size))
		id, err := a.Authenticate(t.Context(), FromRequest(r), EventSource)
		if err != nil || id.CanRenew() != want {
			t.Errorf("%d bytes: kept %v, %v", size, id.CanRenew(), err)
		}
	}
}

// Many identities can end at the same time: few questions run, the others wait, and those of
// connections that have ended are not asked.
func TestRenewalsWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most, asked atomic.Int32
		first := true
		a := hooked(t, hookFunc(func(context.Context, Question) (Answer, error) {
			if first {
				first = false
				return Answer{UserID: "u", ExpiresAt: time.Now().Add(time.Hour)}, nil
			}
			asked.Add(1)
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return Answer{UserID: "u"}, nil
		}))
		id, err := a.Authenticate(t.Context(), Credentials{}, EventSource)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var done atomic.Int32
		for range 100 {
			a.Renew(t.Context(), id, func(Identity, error) { done.Add(1) })
			a.Renew(ctx, id, func(Identity, error) { t.Error("called for a connection that has ended") })
		}
		cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		if done.Load() != 100 || most.Load() != maxRenewers || a.renewals.running != 0 ||
			asked.Load() > 100+maxRenewers {
			t.Errorf("%d done of %d, %d at a time, %d goroutines left", done.Load(), asked.Load(),
				most.Load(), a.renewals.running)
		}
	})
}
