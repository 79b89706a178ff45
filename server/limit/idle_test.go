package limit

import (
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// Above the bound of an address, the connection that has been idle for the longest time is closed,
// unless it has just become idle. Connections of others, of a proxy, and those with a request stay.
func TestIdleConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addresses := map[net.Conn]netip.Addr{}
		i := NewIdle(func(c net.Conn) (netip.Addr, bool) {
			ip := addresses[c]
			return ip, ip.IsValid()
		})
		open := func(ip netip.Addr) net.Conn {
			here, there := net.Pipe()
			t.Cleanup(func() { _ = here.Close(); _ = there.Close() })
			addresses[here] = ip
			i.Note(here, http.StateNew)
			i.Note(here, http.StateActive)
			i.Note(here, http.StateIdle)
			return here
		}
		closed := func(c net.Conn) bool { return c.SetDeadline(time.Time{}) != nil }

		proxy, other, busy, first := open(netip.Addr{}), open(address(2)), open(address(1)), open(address(1))
		i.Note(busy, http.StateActive)
		second := open(address(1))
		for range idlePerAddress {
			open(address(1))
			open(netip.Addr{})
		}
		if closed(first) || len(i.places) != idlePerAddress+3 {
			t.Errorf("a connection is closed at once; %d are idle", len(i.places))
		}
		time.Sleep(idleRest)
		open(address(1))
		if !closed(first) || closed(second) {
			t.Error("not the connection that has been idle for the longest time is closed")
		}
		open(address(2))
		for name, c := range map[string]net.Conn{"a proxy": proxy, "another": other, "a request": busy} {
			if closed(c) {
				t.Errorf("the connection of %s is closed", name)
			}
		}
		for c := range addresses {
			i.Note(c, http.StateClosed)
		}
		if len(i.places) != 0 || len(i.addresses) != 0 {
			t.Errorf("%d connections and %d addresses are left", len(i.places), len(i.addresses))
		}
	})
}
