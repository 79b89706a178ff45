package forward

import (
	"fmt"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestSlotsShareOfAnAddress(t *testing.T) {
	t.Parallel()
	s := slots{max: 80, addresses: map[netip.Addr]int{}}
	one, none := netip.MustParseAddr("192.0.2.1"), netip.Addr{}
	var taken []netip.Addr
	fill := func(ip netip.Addr, want int) {
		t.Helper()
		n := 0
		for ; s.take(ip); n++ {
			taken = append(taken, ip)
		}
		if n != want {
			t.Errorf("%v has taken %d slots, want %d", ip, n, want)
		}
	}
	fill(one, 40) // half of them
	fill(netip.MustParseAddr("2001:db8::1"), 10)
	fill(netip.MustParseAddr("2001:db8::2"), 0) // the same /64
	fill(netip.MustParseAddr("192.0.2.2"), 10)
	fill(none, 20) // a unix socket has the clients of a proxy
	for _, ip := range taken {
		s.release(ip)
	}
	if s.used != 0 || len(s.addresses) != 0 {
		t.Errorf("%d slots and %d addresses are left", s.used, len(s.addresses))
	}
}

func TestRareLogLines(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.WarnLevel)
	var r rare
	for i := range 100 {
		r.warn(zap.New(core), fmt.Sprint(i))
	}
	if lines.Len() != 1 {
		t.Errorf("%d lines, want 1", lines.Len())
	}
}
