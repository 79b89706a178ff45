package limit

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// When all places are taken, the connection that has waited longest gives way to a new one, but not
// before it has had the time for a CONNECT.
func TestLongestWaitGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxConnections: 160}) // 16 may wait
		var gone []int
		var releases []func()
		for i := range 16 {
			release, err := l.PreAuth(address(i), func() { gone = append(gone, i) })
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
			time.Sleep(time.Millisecond)
		}
		releases[0]() // it has authenticated
		enter := func() error {
			_, err := l.PreAuth(netip.MustParseAddr("192.0.2.1"), func() { gone = append(gone, -1) })
			return err
		}
		if err := enter(); err != nil || gone != nil {
			t.Fatalf("the place of the first: %v, gone %v", err, gone)
		}
		var full *Error
		if err := enter(); !errors.As(err, &full) || full.Limit != "handshakes" || gone != nil {
			t.Fatalf("all have just come: %v, gone %v", err, gone)
		}
		time.Sleep(handshakeTime - 15*time.Millisecond) // the second connection is a second old
		if err := enter(); err != nil || len(gone) != 1 || gone[0] != 1 {
			t.Fatalf("after a second: %v, gone %v", err, gone)
		}
		if err := enter(); err == nil || len(gone) != 1 {
			t.Fatalf("the third is younger than a second: %v, gone %v", err, gone)
		}
		releases[1]() // it has lost its place already
		time.Sleep(time.Minute)
		for range 3 {
			if err := enter(); err != nil {
				t.Fatal(err)
			}
		}
		if len(gone) != 4 || l.handshakes.waiting.Len() != 16 {
			t.Errorf("gone %v, %d wait", gone, l.handshakes.waiting.Len())
		}
	})
}

// A crowd of one address does not keep others out, however young its connections are. It gets no more
// places itself, and when no address has more than others, everyone is refused.
func TestCrowdOfOneAddressGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxConnections: 160}) // 16 may wait
		gone := map[netip.Addr]int{}
		enter := func(ip netip.Addr) error {
			_, err := l.PreAuth(ip, func() { gone[ip]++ })
			return err
		}
		crowd := address(0)
		for range 16 {
			if err := enter(crowd); err != nil {
				t.Fatal(err)
			}
		}
		if enter(crowd) == nil || enter(netip.Addr{}) == nil {
			t.Error("one more of the crowd, or of nobody, gets a place")
		}
		for i := range 15 {
			if err := enter(address(1 + i)); err != nil {
				t.Errorf("address %d: %v", 1+i, err)
			}
		}
		if err := enter(address(100)); err == nil {
			t.Error("somebody loses a place although all addresses have one")
		}
		if len(gone) != 1 || gone[crowd] != 15 {
			t.Errorf("gone: %v", gone)
		}
	})
}
