package disklog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/notify"
)

// withoutManifest returns a copy in memory of a directory, without the manifest of its store.
func withoutManifest(t *testing.T, dir string) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	if _, err := vfs.Clone(vfs.Default, fs, dir, "data", vfs.CloneSync); err != nil {
		t.Fatal(err)
	}
	removeManifest(t, fs, "data")
	return fs
}

func removeManifest(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	store := fs.PathJoin(dir, storeName)
	names, err := fs.List(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "MANIFEST-") {
			if err := fs.Remove(fs.PathJoin(store, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, path := range []string{store, dir, fs.PathDir(dir)} {
		d, err := fs.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A process that is killed at any moment of a rescue, or a machine that loses power then, costs
// nothing: the next process has everything.
func TestKilledRescue(t *testing.T) {
	t.Parallel()
	dir, epoch := rich(t)
	rescue := func(hook func(vfs.FS, int64)) int64 {
		fs := withoutManifest(t, dir)
		var ops atomic.Int64
		s := open(t, "data", func(o *Options) {
			o.fs = errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					hook(fs, ops.Add(1))
				}
				return nil
			}))
		})
		n := ops.Load()
		closed(t, s)
		return n
	}
	all := rescue(func(vfs.FS, int64) {})
	times := int64(12)
	if os.Getenv("ROOMCAST_SOAK") != "" {
		times = all
	}
	for i := range times {
		at, percent := 1+i*all/times, int(i%2)*100 // of what is not synced, the file has that
		var taken atomic.Pointer[vfs.MemFS]
		rescue(func(fs vfs.FS, op int64) {
			if op == at {
				taken.Store(fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{
					UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2)),
				}))
			}
		})
		after := taken.Load()
		if after == nil {
			continue // this time there were fewer operations
		}
		for process := range 2 {
			s := open(t, "data", func(o *Options) { o.fs = after })
			if got := contents(t, s); got != whole || s.Log().Head().Epoch == epoch {
				t.Errorf("operation %d of %d: process %d has %s, epoch %x", at, all, process, got,
					s.Log().Head().Epoch)
			}
			closed(t, s)
		}
		names, err := after.List("data")
		if err != nil || strings.Count(fmt.Sprint(names), storeName) > 1+asides {
			t.Errorf("the directory has %v, %v", names, err)
		}
	}
}

// A damaged store of many and large messages comes back in parts.
func TestRescueInParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	follow(s.Log())
	for _, n := range []int{5, 1, 2000} {
		batch := large(n)
		if n < 10 {
			for _, m := range batch {
				m.Data = []byte(`"` + strings.Repeat("y", copyBatch/n+100) + `"`)
			}
		}
		if err := s.Log().Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	removeManifest(t, vfs.Default, dir)
	s = open(t, dir, nil)
	defer closed(t, s)
	all, _, err := s.Log().Read([]notify.Span{{Room: "a", After: s.Log().floor.Load()}}, 3000, 3000, 1<<40)
	if err != nil || len(all) != 2006 || s.Log().floor.Load() != 0 {
		t.Errorf("%d messages after %d, %v", len(all), s.Log().floor.Load(), err)
	}
}

// Without room for a copy of everything the newest messages are kept, and the log says that others
// are not. The damaged store has them.
func TestRescueWithoutRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	follow(s.Log())
	if err := s.Sessions().Save([]notify.Session{{Key: "pid:1", ClientID: "c"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Log().Append(t.Context(), large(300)); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	removeManifest(t, vfs.Default, dir)
	const reserve = 64 << 20
	for _, test := range []struct {
		free        uint64
		least, most int
		sessions    int
		line        string
	}{
		{reserve + 400_000, 100, 200, 1, "no room for a complete copy"},
		{reserve, 0, 0, 1, "no room for a complete copy"},
		{reserve / 4, 0, 0, 0, "nothing is kept"},
		{2 * reserve, 300, 300, 1, ""},
	} {
		copied := filepath.Join(t.TempDir(), "copy")
		copyDir(t, dir, copied)
		core, logs := observer.New(zap.ErrorLevel)
		s := open(t, copied, func(o *Options) {
			o.fs, o.Log = withFree(vfs.Default, test.free), zap.New(core)
		})
		first := follow(s.Log())
		n, sessions := len(first.Messages), len(s.Sessions().Load())
		if n < test.least || n > test.most || sessions != test.sessions || s.Log().Losses() != 1 {
			t.Errorf("with %d bytes free: %d messages, %d sessions", test.free, n, sessions)
		}
		if n > 0 && first.Messages[n-1].ID.Seq != 300 {
			t.Errorf("with %d bytes free: the last message is %v", test.free, first.Messages[n-1].ID)
		}
		if test.line != "" && logs.FilterMessageSnippet(test.line).Len() != 1 {
			t.Errorf("with %d bytes free: log %v", test.free, logs.All())
		}
		closed(t, s)
		aside, err := filepath.Glob(filepath.Join(copied, storeName+asideInfix+"*", "*"))
		if err != nil || len(aside) == 0 {
			t.Errorf("the damaged store is gone: %v", err)
		}
	}
}

// A rescue that takes too long keeps what it has read.
func TestRescueTooLong(t *testing.T) {
	t.Parallel()
	dir, epoch := rich(t)
	fs := withoutManifest(t, dir)
	core, logs := observer.New(zap.WarnLevel)
	s := open(t, "data", func(o *Options) { o.fs, o.rescueTime, o.Log = fs, 1, zap.New(core) })
	defer closed(t, s)
	if head := s.Log().Head(); head.Epoch == epoch || s.Log().Losses() != 1 {
		t.Errorf("head %v", head)
	}
	if logs.FilterMessageSnippet("kept what can be read in time").Len() != 1 {
		t.Errorf("log %v", logs.All())
	}
}

// The newest two damaged stores are kept.
func TestAsides(t *testing.T) {
	t.Parallel()
	dir, _ := rich(t)
	fs := withoutManifest(t, dir)
	for range 4 {
		s := open(t, "data", func(o *Options) { o.fs = fs })
		if got := contents(t, s); got != whole {
			t.Errorf("has %s, want %s", got, whole)
		}
		closed(t, s)
		removeManifest(t, fs, "data")
	}
	names, err := fs.List("data")
	if n := strings.Count(fmt.Sprint(names), asideInfix); n != asides || err != nil {
		t.Errorf("%v, %v", names, err)
	}
}
