package limit

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// fakeCluster has the connections to other nodes, and what this one shares.
type fakeCluster struct {
	others map[string]int
	shared map[string]int
}

func (c *fakeCluster) ConnectionsElsewhere(user string) int { return c.others[user] }

func (c *fakeCluster) ShareConnections(user string, n int) {
	if c.shared[user] = n; n == 0 {
		delete(c.shared, user)
	}
}

func newFakeCluster(others map[string]int) *fakeCluster {
	return &fakeCluster{others: others, shared: map[string]int{}}
}

// The connections of a user to other nodes count.
func TestLimiterOfACluster(t *testing.T) {
	t.Parallel()
	l := New(Options{PerUser: 3})
	l.JoinCluster(newFakeCluster(map[string]int{"u": 2, "v": 3}))
	release, err := l.AcquireUser("u", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, acquire := range []func() (func(), error){
		func() (func(), error) { return l.AcquireUser("u", false) },
		func() (func(), error) { return l.AcquireUser("v", false) },
		func() (func(), error) { return l.AcquireStream(netip.Addr{}, "u") },
	} {
		if _, err := acquire(); err == nil || err.Error() != "Too many connections (user limit of 3)" {
			t.Errorf("error %v", err)
		}
	}
	release()
	if _, err := l.AcquireStream(netip.Addr{}, "u"); err != nil {
		t.Error(err)
	}
	if _, err := l.AcquireUser("v", true); err != nil {
		t.Errorf("in the place of another connection: %v", err)
	}
	if _, err := l.AcquireUser("v", true); err == nil {
		t.Error("two in the place of others")
	}
}

// The other nodes learn the connections of users while there is a limit.
func TestLimiterShares(t *testing.T) {
	t.Parallel()
	l, c := New(Options{}), newFakeCluster(nil)
	l.JoinCluster(c)
	_, _ = l.AcquireUser("u", false)
	if len(c.shared) != 0 {
		t.Errorf("shared without a limit: %v", c.shared)
	}
	l.Reload(Options{PerUser: 5})
	_, _ = l.AcquireUser("u", false)
	release, _ := l.AcquireStream(netip.Addr{}, "v")
	if want := map[string]int{"u": 2, "v": 1}; !maps.Equal(c.shared, want) {
		t.Errorf("shared %v, want %v", c.shared, want)
	}
	release()
	if want := map[string]int{"u": 2}; !maps.Equal(c.shared, want) {
		t.Errorf("shared %v, want %v", c.shared, want)
	}
	if l.Reload(Options{}); len(c.shared) != 0 {
		t.Errorf("shared without a limit: %v", c.shared)
	}
}

// A user who is above the limit only by connections to other nodes may come again until a node that was
// killed is forgotten.
func TestPassingRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, c := New(Options{PerUser: 1}), newFakeCluster(map[string]int{"u": 1})
		l.JoinCluster(c)
		expect := func(user string, passing bool) {
			t.Helper()
			_, err := l.AcquireUser(user, false)
			var refused *Error
			if !errors.As(err, &refused) || refused.Passing() != passing {
				t.Errorf("%v is passing: %v", err, !passing)
			}
		}
		for range 19 {
			expect("u", true)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		expect("u", false)
		time.Sleep(refusedLife)
		expect("u", false)
		time.Sleep(refusedLife + 1)
		expect("u", true)

		c.others["u"] = 0
		if _, err := l.AcquireUser("u", false); err != nil || len(l.elsewhere.refused) != 0 {
			t.Errorf("%v, %d are remembered", err, len(l.elsewhere.refused))
		}
		expect("u", false) // by its own connections

		for i := range 2 * maxRefused {
			c.others[fmt.Sprint(i)] = 1
			expect(fmt.Sprint(i), true)
		}
		if n := len(l.elsewhere.refused); n > maxRefused {
			t.Errorf("%d are remembered", n)
		}
	})
}
