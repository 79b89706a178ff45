package disklog

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// ticketFor returns a ticket with a digest that has the number.
func ticketFor(number byte, expires time.Time) auth.StoredTicket {
	return auth.StoredTicket{Digest: [32]byte{number}, Expires: expires, Value: []byte(`{"userId":"u"}`)}
}

// numbers returns the numbers of the tickets that the store has.
func numbers(s *Store) (all []byte) {
	for _, t := range s.Tickets().Load() {
		all = append(all, t.Digest[0])
	}
	slices.Sort(all)
	return all
}

func save(t *testing.T, s *Store, tickets ...auth.StoredTicket) {
	t.Helper()
	for _, ticket := range tickets {
		if err := s.Tickets().Save(ticket); err != nil {
			t.Fatal(err)
		}
	}
}

// The next process has the tickets that are not removed and have not expired.
func TestTickets(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(time.Date(2026, 1, 1, 0, 0, 0, 123456, time.UTC).UnixNano())
	next := processes(t, func(o *Options) { o.Now = func() time.Time { return time.Unix(0, now.Load()) } })
	s := next()
	at := func(d time.Duration) time.Time { return time.Unix(0, now.Load()).Add(d) }
	ends, used := ticketFor(1, at(time.Second)), ticketFor(2, at(time.Minute))
	stays := ticketFor(3, at(time.Minute))
	save(t, s, ends, used, stays)
	if err := s.Tickets().Remove(used); err != nil {
		t.Fatal(err)
	}
	s = next()
	all := s.Tickets().Load()
	if len(all) != 2 || string(all[0].Value) != string(ends.Value) ||
		!all[0].Expires.Equal(ends.Expires.Truncate(time.Millisecond)) || all[1].Digest != stays.Digest {
		t.Errorf("after a restart %+v", all)
	}
	now.Add(int64(time.Second))
	if got := numbers(s); string(got) != "\x03" {
		t.Errorf("after the end of one: %v", got)
	}
	if err := s.Tickets().Remove(used, all[1]); err != nil { // its expiry has milliseconds only
		t.Fatal(err)
	}
	if got := numbers(next()); len(got) > 0 {
		t.Errorf("after their removal: %v", got)
	}
}

// The sweep removes expired tickets from disk, and no others.
func TestTicketsSwept(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_000_000)
	clock := func(o *Options) { o.Now = func() time.Time { return time.UnixMilli(now.Load()) } }
	dir := t.TempDir()
	s := open(t, dir, clock)
	for i := range 20 {
		save(t, s, ticketFor(byte(i), time.UnixMilli(1_000_000+int64(i))))
	}
	closed(t, s)
	s = open(t, dir, clock)
	defer closed(t, s)
	if err := s.Log().Close(); err != nil { // the writer, which sweeps, has ended
		t.Fatal(err)
	}
	s.tickets.swept = time.Time{}
	s.Tickets().Load()
	onDisk := func() (n int) {
		_ = s.Log().scan([]byte(ticketPrefix), successor(ticketPrefix), func(_, _ []byte) error {
			n++
			return nil
		})
		return n
	}
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{4 * time.Millisecond, 15}, {ticketSweep - time.Millisecond, 15}, {time.Millisecond, 0}} {
		now.Add(step.after.Milliseconds())
		if err := s.tickets.sweep(); err != nil {
			t.Fatal(err)
		}
		if n := onDisk(); n != step.left {
			t.Errorf("%v later %d are left, want %d", step.after, n, step.left)
		}
	}
	if latest := s.tickets.latest.Load(); latest != 0 {
		t.Errorf("the next sweep looks for tickets until %d", latest)
	}
}

// After a power cut there is every ticket that was stored, and none that was removed. With
// SyncInterval a new ticket may be lost.
func TestTicketsAfterPowerCut(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"always": 0, "interval": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewCrashableMem()
			change := func(o *Options) { o.fs, o.SyncInterval = fs, interval }
			s := open(t, "data", change)
			later := time.Now().Add(time.Hour)
			used, stays, fresh := ticketFor(1, later), ticketFor(2, later), ticketFor(3, later)
			save(t, s, used, stays)
			if err := s.Tickets().Remove(used); err != nil {
				t.Fatal(err)
			}
			save(t, s, fresh)
			after := fs.CrashClone(vfs.CrashCloneCfg{})
			closed(t, s)
			fs = after
			s = open(t, "data", change)
			defer closed(t, s)
			want := "\x02\x03"
			if interval > 0 {
				want = "\x02"
			}
			if got := numbers(s); string(got) != want {
				t.Errorf("tickets %v, want %v", got, []byte(want))
			}
		})
	}
}

// A full disk refuses new tickets. Stored ones can be removed, from the half of the reserve.
func TestTicketsOnFullDisk(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	s, disk := onSmallDisk(t, &now)
	defer closed(t, s)
	later := time.UnixMilli(1 << 40)
	save(t, s, ticketFor(1, later), ticketFor(2, later))
	for _, step := range []struct {
		free         uint64
		save, remove bool
	}{{64<<20 - 1, false, true}, {32 << 20, false, true}, {32<<20 - 1, false, false}, {64 << 20, true, true}} {
		disk.free.Store(step.free)
		now.Add(1000)
		err := s.Tickets().Save(ticketFor(3, later))
		if (err == nil) != step.save || err != nil && !errors.Is(err, notify.ErrUnavailable) {
			t.Errorf("%d bytes free: save %v", step.free, err)
		}
		err = s.Tickets().Remove(ticketFor(1, later))
		if (err == nil) != step.remove || err != nil && !errors.Is(err, notify.ErrUnavailable) {
			t.Errorf("%d bytes free: remove %v", step.free, err)
		}
	}
}

// A disk that takes long gives an error in time, and the store closes after what runs. Removing
// again succeeds.
func TestTicketsOnSlowDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		fs := slowDisk(&slow)
		s := open(t, "/data", func(o *Options) { *o = o.On(fs) })
		used := ticketFor(1, time.Now().Add(time.Hour))
		save(t, s, used)
		slow.Store(true)
		start := time.Now()
		err := s.Tickets().Remove(used)
		if took := time.Since(start); !errors.Is(err, notify.ErrUnavailable) || took != commitTimeout {
			t.Errorf("after %v: %v", took, err)
		}
		slow.Store(false)
		if err := s.Tickets().Remove(used); err != nil {
			t.Error(err)
		}
		slow.Store(true)
		_ = s.Tickets().Save(ticketFor(2, time.Now().Add(time.Hour)))
		slow.Store(false)
		closed(t, s)
		if err := s.Tickets().Remove(used); err == nil {
			t.Error("a closed store removes tickets")
		}
		s = open(t, "/data", func(o *Options) { *o = o.On(fs) })
		defer closed(t, s)
		if got := numbers(s); string(got) != "\x02" {
			t.Errorf("tickets %v", got)
		}
	})
}
