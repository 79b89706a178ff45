package disklog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// all shows the entries of a source, and how many parts were passed over.
func all(in source, prefixes ...string) (text string) {
	for _, prefix := range prefixes {
		skipped, _ := in.read([]byte(prefix), successor(prefix), time.Time{}, func(key, value []byte) bool {
			text += fmt.Sprintf("%q=%q ", key, value)
			return true
		})
		text += fmt.Sprintf("%d skipped\n", skipped)
	}
	return text
}

// Without the engine, the files of a whole store have the same entries as with it, after any writes,
// flushes, compactions and crashes.
func TestLooseReadsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		s := &Store{o: Options{fs: fs}}
		o := s.pebbleOptions()
		o.MemTableSize, o.Logger = 64<<10, quiet{}
		o.EnsureDefaults()
		for i := range o.TargetFileSizes {
			o.TargetFileSizes[i] = 1 << 10 // many tables
		}
		db := mustOpen(t, fs, o)
		key := rapid.Custom(func(t *rapid.T) []byte {
			return fmt.Appendf(nil, "%c/%03d", rapid.SampledFrom([]byte("slw")).Draw(t, "prefix"),
				rapid.IntRange(0, 40).Draw(t, "key"))
		})
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			b := db.NewBatch()
			for range rapid.IntRange(0, 60).Draw(t, "writes") {
				k := key.Draw(t, "k")
				var err error
				switch rapid.IntRange(0, 5).Draw(t, "write") {
				case 0:
					err = b.Delete(k, nil)
				case 1:
					to := fmt.Appendf(nil, "%s%03d", k[:2], rapid.IntRange(0, 41).Draw(t, "to"))
					err = b.DeleteRange(k, to, nil)
				case 2:
					err = b.LogData([]byte("x"), nil)
				default:
					err = b.Set(k, fmt.Appendf(nil, "%d %0100d", rapid.Int().Draw(t, "value"), 0), nil)
				}
				must(t, err)
			}
			must(t, b.Commit(pebble.Sync))
			switch rapid.IntRange(0, 4).Draw(t, "then") {
			case 0:
				must(t, db.Flush())
			case 1:
				must(t, db.Compact(context.Background(), []byte("a"), []byte("z"), false))
			case 2:
				must(t, db.Close())
				db = mustOpen(t, fs, o)
			case 3:
				crashed := fs.CrashClone(vfs.CrashCloneCfg{})
				must(t, db.Close())
				fs, o.FS = crashed, crashed
				db = mustOpen(t, fs, o)
			}
		}
		must(t, db.Close()) // else a compaction removes files meanwhile
		db, err := openReadOnly(fs, "db")
		must(t, err)
		want := all(engine{db}, "l/", "s/", "w/")
		live, err := tablesOf(db)
		must(t, errors.Join(err, db.Close()))
		for _, tables := range []map[string]uint64{live, nil} {
			in, err := openLoose(fs, "db", tables)
			must(t, err)
			if got := all(in, "l/", "s/", "w/"); got != want || len(in.unreadable) > 0 {
				t.Fatalf("tables %v: loose\n%swant\n%s%q", tables, got, want, in.unreadable)
			}
		}
	})
}

func mustOpen(t *rapid.T, fs vfs.FS, o *pebble.Options) *pebble.DB {
	must(t, fs.MkdirAll("db", 0o700))
	db, err := pebble.Open("db", o)
	must(t, err)
	d, err := fs.OpenDir(".")
	must(t, err)
	must(t, d.Sync())
	must(t, d.Close())
	return db
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A store whose tables overlap and whose blocks are damaged at random has no entry that nobody has
// written, and no entry whose later version was in a part that cannot be read.
func TestLooseDamaged(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s := &Store{o: Options{fs: fs}}
	o := s.pebbleOptions()
	o.Logger = quiet{}
	o.DisableAutomaticCompactions = true
	db, err := pebble.Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	written := map[string]int{} // the newest version
	for version := range 4 {
		for i := range 500 {
			if random.IntN(2) == 0 && version > 0 {
				continue
			}
			key := fmt.Sprintf("s/%04d", i)
			if err := db.Set([]byte(key), fmt.Appendf(nil, "%d %0500d", version, i), pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			written[key] = version
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := tablesOf(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	removeLogs(t, fs)
	for range 8 {
		damaged := vfs.NewMem()
		if _, err := vfs.Clone(fs, damaged, "db", "db"); err != nil {
			t.Fatal(err)
		}
		for name := range tables {
			if random.IntN(2) == 0 {
				flipBlocks(t, damaged, "db/"+name, random)
			}
		}
		for _, known := range []map[string]uint64{tables, nil} {
			in, err := openLoose(damaged, "db", known)
			if err != nil {
				t.Fatal(err)
			}
			in.read([]byte("s/"), successor("s/"), time.Time{}, func(key, value []byte) bool {
				var version, i int
				_, err := fmt.Sscanf(string(value), "%d %d", &version, &i)
				newest, ok := written[string(key)]
				if err != nil || !ok || fmt.Sprintf("s/%04d", i) != string(key) {
					t.Fatalf("%s has %s", key, value)
				}
				if version != newest && len(in.unreadable) == 0 {
					t.Fatalf("%s has the version %d of %d", key, version, newest)
				}
				return true
			})
		}
	}
}

func removeLogs(t *testing.T, fs vfs.FS) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if len(name) > 4 && name[len(name)-4:] == ".log" {
			if err := fs.Remove("db/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// flipBlocks flips up to three bytes of a file.
func flipBlocks(t *testing.T, fs vfs.FS, path string, random *rand.Rand) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + random.IntN(3) {
		at, b := random.Int64N(info.Size()), make([]byte, 1)
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1 << random.IntN(8)
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
}
