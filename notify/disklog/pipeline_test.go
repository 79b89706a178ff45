package disklog

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/roomcast/roomcast/notify"
)

// A log that is too large drops nothing that is on its way to the disk, and all of it after that.
func TestNothingIsDroppedBeforeItsDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		fs := slowDisk(&slow)
		s := open(t, "/data", func(o *Options) { *o = o.On(fs); o.MaxBytes = 1 }) // each message fills a chunk
		defer closed(t, s)
		l := s.Log()
		var got, floors []uint64
		l.Follow(func(b notify.Batch) func() {
			for _, m := range b.Messages {
				got, floors = append(got, m.ID.Seq), append(floors, l.Floor("a"))
			}
			return nil
		})
		slow.Store(true)
		results := make(chan error, 5)
		for n := range cap(results) {
			go func() { results <- l.Append(t.Context(), []*notify.Message{message(n, "a")}) }()
			synctest.Wait()
		}
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if !slices.IsSorted(got) || len(got) != cap(results) {
			t.Errorf("delivered %v", got)
		}
		for i, seq := range got {
			if floors[i] >= seq {
				t.Errorf("message %d was dropped up to %d before its delivery", seq, floors[i])
			}
		}
		if floor := l.Floor("a"); floor != got[len(got)-1] {
			t.Errorf("the floor is %d after %v", floor, got)
		}
	})
}
