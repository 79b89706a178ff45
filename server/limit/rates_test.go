package limit

import (
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/server/servertest"
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
		if ok, _ := r.Allow(address(maxAddresses + 499)); ok {
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

// The addresses take the 3 MB that maxAddresses promises. The test measures the heap of the
// process, so it is not parallel.
func TestRatesHeap(t *testing.T) {
	before := servertest.Heap()
	r := NewRates(rate.Every(time.Second), 1)
	for i := range 2 * maxAddresses { // it removes half of them
		r.Allow(netip.AddrFrom16([16]byte{0x20, 1, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)}))
	}
	heap := servertest.Heap() - before
	t.Logf("%d addresses: the heap grew by %d bytes", len(r.entries), heap)
	if len(r.entries) != maxAddresses || heap > 3_300_000 {
		t.Errorf("%d addresses: the heap grew by %d bytes", len(r.entries), heap)
	}
	runtime.KeepAlive(r)
}
