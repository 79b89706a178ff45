package limit

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// Only clients that have sent no request for a second are closed; those of a proxy, which count for
// nobody, are not.
func TestCloseSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDescriptors(100, 0)
		open := func(ip netip.Addr) net.Conn {
			here, there := net.Pipe()
			t.Cleanup(func() { _ = there.Close() })
			return d.CountClient(here, ip)
		}
		open(address(1))
		heard := open(address(2))
		heard.(interface{ hear() }).hear()
		proxy := open(netip.Addr{})
		_ = open(address(3)).Close()
		time.Sleep(silence / 2)
		young := open(address(1))
		time.Sleep(silence / 2)
		if n := d.CloseSilent(time.Now()); n != 1 || d.open.Load() != 3 {
			t.Errorf("%d were closed, %d are open", n, d.open.Load())
		}
		time.Sleep(silence)
		if n := d.CloseSilent(time.Now()); n != 1 || d.open.Load() != 2 || d.silent.Len() != 0 {
			t.Errorf("then %d were closed, %d are open", n, d.open.Load())
		}
		for _, c := range []net.Conn{heard, proxy, young} {
			_ = c.Close()
		}
		if d.open.Load() != 0 || len(d.addresses) != 0 || d.silent.Len() != 0 {
			t.Errorf("%d are open, %d addresses, %d silent", d.open.Load(), len(d.addresses),
				d.silent.Len())
		}
		var none *Descriptors
		if none.CloseSilent(time.Now()) != 0 {
			t.Error("without a limit a connection is closed")
		}
	})
}
