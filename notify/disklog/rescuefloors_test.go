package disklog

import (
	"errors"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// stormed makes a store without a manifest, in which one room has lost more than the others.
func stormed(t *testing.T) (fs *vfs.MemFS, dir string, former map[string]int, lost uint64) {
	t.Helper()
	fs, dir = vfs.NewMem(), "data"
	s := open(t, dir, stormOptions(fs))
	l := s.Log()
	follow(l)
	add(t, l, 0, 5, "quiet")
	for i := 0; i < 1000; i += 10 {
		add(t, l, i, i+9, "storm")
	}
	lost = l.floors.of("storm")
	if lost == 0 || l.floor.Load() > 0 {
		t.Fatalf("the floor of the room is %d, of all %d", lost, l.floor.Load())
	}
	former = heldBy(t, l)
	closed(t, s)
	removeManifest(t, fs, dir)
	return fs, dir, former, lost
}

func stormOptions(fs vfs.FS) func(*Options) {
	return func(o *Options) { o.fs, o.MaxBytes = fs, 64<<10 }
}

// heldBy returns how many messages the rooms have.
func heldBy(t *testing.T, l *Log) map[string]int {
	t.Helper()
	n := make(map[string]int)
	for _, room := range []string{"quiet", "storm"} {
		spans := []notify.Span{{Room: room, After: l.Floor(room)}}
		messages, all, err := l.Read(spans, l.Head().Seq, 10_000, 1<<30)
		if err != nil || !all {
			t.Errorf("%s: %v %v", room, all, err)
		}
		n[room] = len(messages)
	}
	return n
}

// The copy of a store keeps what the rooms have and what they have lost. It counts the same after
// another start, when later messages have filled chunks.
func TestRescueKeepsFloors(t *testing.T) {
	t.Parallel()
	fs, dir, want, lost := stormed(t)
	size := int64(-1)
	for start := range 3 {
		s := open(t, dir, stormOptions(fs))
		l := s.Log()
		if got := heldBy(t, l); !maps.Equal(got, want) || l.floors.of("storm") != lost {
			t.Errorf("start %d: %v, floor %d, want %v, floor %d", start, got, l.floors.of("storm"), want, lost)
		}
		if got := l.Size(); size >= 0 && got != size {
			t.Errorf("start %d: %d bytes, want %d", start, got, size)
		}
		follow(l)
		add(t, l, 0, 19, "quiet")
		want, lost, size = heldBy(t, l), l.floors.of("storm"), l.Size()
		closed(t, s)
	}
}

// One meta key that cannot be read does not take the others with it.
func TestRescueReadsTheOtherMetaKeys(t *testing.T) {
	t.Parallel()
	for _, key := range [][]byte{keyFormat, keyEpoch, keyOpen} {
		fs := vfs.NewMem()
		s := open(t, "data", stormOptions(fs))
		l := s.Log()
		follow(l)
		add(t, l, 0, 5, "quiet")
		for i := 0; i < 1000; i += 10 {
			add(t, l, i, i+9, "storm")
		}
		want, lost := heldBy(t, l), l.floors.of("storm")
		closed(t, s)
		db, err := pebble.Open(s.path(), s.pebbleOptions())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Set(key, []byte("bad"), pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		s = open(t, "data", stormOptions(fs))
		l = s.Log()
		if got := heldBy(t, l); l.Losses() != 1 || !maps.Equal(got, want) || l.floors.of("storm") != lost {
			t.Errorf("%s: %d losses, %v, floor %d, want %v, floor %d", key, l.Losses(), got,
				l.floors.of("storm"), want, lost)
		}
		closed(t, s)
	}
}

// Without room for a copy ids begin after the floor of all. No room has lost what comes then.
func TestRescueWithoutRoomForgetsFloors(t *testing.T) {
	t.Parallel()
	fs, dir, _, _ := stormed(t)
	s := open(t, dir, stormOptions(withFree(fs, 1<<20)))
	if s.Log().Losses() != 1 || len(s.Log().floors.all()) > 0 {
		t.Errorf("%d losses, floors %v", s.Log().Losses(), s.Log().floors.all())
	}
	closed(t, s)
	for start := range 2 {
		s := open(t, dir, stormOptions(fs))
		l := s.Log()
		follow(l)
		if got := heldBy(t, l)["storm"]; got != start*10 {
			t.Errorf("start %d: %d messages, want %d", start, got, start*10)
		}
		add(t, l, 0, 9, "storm")
		closed(t, s)
	}
}

// A process that takes the copy of one that was killed at the end of a rescue says so.
func TestTakenRescueIsCounted(t *testing.T) {
	t.Parallel()
	fs, dir, want, _ := stormed(t)
	closed(t, open(t, dir, stormOptions(fs)))
	store := fs.PathJoin(dir, storeName)
	if err := fs.Rename(store, fs.PathJoin(dir, rescuedName)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, stormOptions(fs))
	defer closed(t, s)
	if got := heldBy(t, s.Log()); !maps.Equal(got, want) || s.Log().Losses() != 1 {
		t.Errorf("%v, want %v, %d losses", got, want, s.Log().Losses())
	}
}
