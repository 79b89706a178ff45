package servertest

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// Eventually waits until ok returns true. Tests call it for effects of other goroutines that they
// cannot wait for otherwise; what names the effect.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("timed out: " + what)
		}
	}
}

// Receive returns the next value of a channel. A channel that is closed gives the zero value.
func Receive[T any](t testing.TB, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(Patience):
		t.Fatal("timed out: nothing arrives")
	}
	return v
}

// WatchHeap samples the live heap until stop. Then peak returns by how much it grew at most. The
// test must not be parallel, because the heap belongs to the whole process.
func WatchHeap() (peak func() uint64, stop func()) {
	heap := func() uint64 {
		// What the collection has found, so that what others allocate after it does not count, however
		// long this goroutine waits for a core.
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		runtime.GC()
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	start, highest := heap(), uint64(0)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-quit:
				tick.Stop()
				return
			case <-tick.C:
				highest = max(highest, heap())
			}
		}
	}()
	return func() uint64 { return highest - min(start, highest) }, func() { close(quit); <-done }
}

// Heap returns the bytes of live heap objects. The test must not be parallel.
func Heap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its objects through one collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
