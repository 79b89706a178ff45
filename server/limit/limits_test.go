package limit

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/edge"
)

func TestLimiterErrors(t *testing.T) {
	l := New(Options{MaxConnections: 4, MaxStreams: 2, PerUser: 2, PerIP: 3})
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	take := func(stream bool, ip netip.Addr, user, limit string, status int) func() {
		t.Helper()
		release, err := l.acquire(stream, ip, user)
		var refused *Error
		if limit == "" && err != nil || limit != "" && (!errors.As(err, &refused) || refused.Limit != limit || refused.HTTPStatus() != status) {
			t.Fatalf("got %v, want %q %d", err, limit, status)
		}
		return release
	}
	take(true, a, "u1", "", 0)
	take(false, b, "u1", "", 0)
	take(false, b, "u1", "user", 429)
	take(true, a, "u2", "", 0)
	take(true, b, "u2", "streams", 503)
	release := take(false, a, "", "", 0)
	take(false, b, "", "connections", 503)
	release()
	release() // the second call has no effect
	take(false, a, "", "", 0)
	if n, streams, _ := l.Counts(); n != 4 || streams != 2 {
		t.Errorf("%d connections, %d streams", n, streams)
	}

	l = New(Options{PerIP: 1})
	take = func(_ bool, ip netip.Addr, _, limit string, status int) func() {
		t.Helper()
		release, err := l.AcquireSocket(ip)
		var refused *Error
		if limit == "" && err != nil || limit != "" && (!errors.As(err, &refused) || refused.Limit != limit || refused.Status != status) {
			t.Fatalf("%s: got %v, want %q %d", ip, err, limit, status)
		}
		return release
	}
	take(false, a, "", "", 0)
	take(false, netip.MustParseAddr("::ffff:192.0.2.1"), "", "address", 429)
	take(false, netip.MustParseAddr("2001:db8::1"), "", "", 0)
	take(false, netip.MustParseAddr("2001:db8::2:0:0:1"), "", "address", 429)
	take(false, netip.MustParseAddr("2001:db8:0:1::1"), "", "", 0)
	take(false, netip.Addr{}, "", "", 0) // a unix socket has no address to count
	take(false, netip.Addr{}, "", "", 0)

	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/sse", nil)
	edge.WriteProblem(w, r, l.userError())
	want := `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Too many connections (user limit of 0)","code":"too_many_connections"}` + "\n"
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "10" || w.Body.String() != want {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestLimiterPreAuth(t *testing.T) {
	for _, tc := range []struct{ connections, bound int }{{0, 0}, {10, 16}, {160, 16}, {1000, 100}} {
		l := New(Options{MaxConnections: tc.connections})
		var releases []func()
		for i := range 200 {
			release, err := l.PreAuth(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), nil)
			if err != nil {
				break
			}
			releases = append(releases, release)
		}
		if want := max(tc.bound, 0); tc.bound > 0 && len(releases) != want || tc.bound == 0 && len(releases) != 200 {
			t.Errorf("%d of %d: %d wait", tc.bound, tc.connections, len(releases))
		}
		releases[0]()
		releases[0]()
		other := netip.MustParseAddr("10.9.9.9")
		if _, err := l.PreAuth(other, nil); err != nil {
			t.Errorf("after a release: %v", err)
		}
		if _, err := l.PreAuth(other, nil); tc.bound > 0 && err == nil {
			t.Error("a release counted twice")
		}
	}
}

// One address gets at most half of the places.
func TestLimiterPreAuthLeavesRoomForOthers(t *testing.T) {
	l := New(Options{MaxConnections: 1000})
	crowd, n := netip.MustParseAddr("2001:db8::1"), 0
	for ; n < 200; n++ {
		if _, err := l.PreAuth(crowd, nil); err != nil {
			break
		}
	}
	if n != 50 {
		t.Errorf("%d places of 100 went to one address, want 50", n)
	}
	if _, err := l.PreAuth(netip.MustParseAddr("192.0.2.1"), nil); err != nil {
		t.Errorf("another address: %v", err)
	}
}

// Of many concurrent connections exactly the allowed number is accepted, and after their end every
// count is zero.
func TestLimiterConcurrent(t *testing.T) {
	const bound = 37
	l := New(Options{MaxConnections: bound})
	for range 20 {
		var got atomic.Int64
		var releases [500]func()
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range releases {
			wg.Go(func() {
				<-start
				if release, err := l.acquire(i%2 == 1, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), "u"+strconv.Itoa(i%7)); err == nil {
					got.Add(1)
					releases[i] = release
				}
			})
		}
		close(start)
		wg.Wait()
		if got.Load() != bound {
			t.Fatalf("%d got in, want %d", got.Load(), bound)
		}
		for i, release := range releases {
			if release != nil {
				wg.Go(release)
				wg.Go(releases[i])
			}
		}
		wg.Wait()
		if l.connections != 0 || l.streams != 0 || len(l.users) != 0 || len(l.addresses) != 0 {
			t.Fatalf("the counts are not zero: %d %d %v %v", l.connections, l.streams, l.users, l.addresses)
		}
	}
}

// The Limiter behaves like a simple list of connections.
func TestLimiterModel(t *testing.T) {
	type held struct {
		stream  bool
		ip      netip.Addr
		user    string
		release func()
	}
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(0, 6)
		o := Options{
			MaxConnections: bound.Draw(t, "connections"), MaxStreams: bound.Draw(t, "streams"),
			PerUser: bound.Draw(t, "user"), PerIP: bound.Draw(t, "ip"),
		}
		l := New(o)
		var live []held
		count := func(match func(held) bool) (n int) {
			for _, h := range live {
				if match(h) {
					n++
				}
			}
			return n
		}
		over := func(n, limit int) bool { return limit > 0 && n >= limit }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(live) > 0 && rapid.IntRange(0, 2).Draw(t, "leave") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(t, "who")
				live[i].release()
				live = append(live[:i], live[i+1:]...)
				continue
			}
			h := held{
				stream: rapid.Bool().Draw(t, "stream"),
				ip:     netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, "ip"))}),
				user:   rapid.SampledFrom([]string{"", "u1", "u2"}).Draw(t, "user"),
			}
			refused := over(len(live), o.MaxConnections) ||
				h.stream && over(count(func(x held) bool { return x.stream }), o.MaxStreams) ||
				over(count(func(x held) bool { return x.ip == h.ip }), o.PerIP) ||
				h.user != "" && over(count(func(x held) bool { return x.user == h.user }), o.PerUser)
			var err error
			if h.release, err = l.acquire(h.stream, h.ip, h.user); (err != nil) != refused {
				t.Fatalf("%+v with %d live: %v, want refused=%v", h, len(live), err, refused)
			}
			if err == nil {
				live = append(live, h)
			}
		}
	})
}
