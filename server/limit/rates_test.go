package limit

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestRatesAreBounded(t *testing.T) {
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	synctest.Test(t, func(t *testing.T) {
		r := NewRates(rate.Every(time.Second), 1)
		for i := range maxAddresses + 500 {
			r.Allow(address(i))
		}
		if len(r.entries) != maxAddresses || r.recent.Len() != maxAddresses {
			t.Errorf("%d addresses are stored, want %d", len(r.entries), maxAddresses)
		}
		if out, _, _ := r.Exhausted(address(maxAddresses + 499)); !out {
			t.Error("the newest address was removed")
		}
		time.Sleep(addressMemory)
		for range maxAddresses {
			r.Allow(netip.MustParseAddr("192.0.2.1"))
		}
		if len(r.entries) != 1 {
			t.Errorf("%d addresses are stored after %v, want 1", len(r.entries), addressMemory)
		}
	})
}
