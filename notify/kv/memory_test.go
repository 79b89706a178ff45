package kv_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	kvtest.Test(t, func(_ testing.TB, limits kv.Limits, now func() time.Time) kv.Store {
		return kv.NewMemory(limits, now)
	})
}

// The values take at most their limit, whatever they are. It measures the heap of the process, so
// it is not parallel: parallel tests run after all sequential tests have ended.
func TestMemoryHeap(t *testing.T) {
	limits := kv.Limits{Entries: 12_500, Bytes: 6 << 20}
	for _, size := range []int{
		2,
		75,
		32<<10 + 1000, // the allocator rounds it up by a quarter
	} {
		before := servertest.Heap()
		m := kv.NewMemory(limits, nil)
		for i := range min(2*limits.Bytes/size, 2*limits.Entries) { // about half of them have to go
			err := m.Put(t.Context(), fmt.Sprintf("%064d", i), append([]byte{}, make([]byte, size)...),
				time.Minute)
			if err != nil {
				t.Fatal(err)
			}
		}
		heap := int(servertest.Heap() - before)
		entries, bytes := m.Size()
		t.Logf("%d values of %d bytes: charged %d bytes, the heap grew by %d", entries, size, bytes, heap)
		if bytes > limits.Bytes || entries > limits.Entries {
			t.Errorf("%d bytes in %d values", bytes, entries)
		}
		if entries < limits.Entries && bytes < limits.Bytes-48<<10 {
			t.Errorf("%d values of %d bytes: the limits allow more", entries, size)
		}
		if heap > bytes+bytes/20 {
			t.Errorf("%d values of %d bytes: charged %d bytes, the heap grew by %d", entries, size, bytes,
				heap)
		}
		runtime.KeepAlive(m)
	}
}
