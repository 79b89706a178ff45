package disklog

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	logtest.Test(t, func(t *testing.T) logtest.Subject {
		next := processes(t, nil)
		l := next().Log()
		return logtest.Subject{
			Log:    l,
			Renew:  func() { l.suspect(errEntry) },
			Stall:  func() func() { l.delivering.Lock(); return l.delivering.Unlock },
			Reopen: func() notify.Log { return next().Log() },
		}
	})
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	follow(s.Log())
	add(t, s.Log(), 1, 5, "a", "b")
	head := s.Log().Head()
	closed(t, s)

	s = open(t, dir, nil)
	defer closed(t, s)
	if s.Log().Head() != head {
		t.Fatalf("head %v, want %v", s.Log().Head(), head)
	}
	first := follow(s.Log())
	if first.Loss.Head.Seq != 0 || first.Loss.Head.Epoch != head.Epoch || !first.Retained ||
		shown(first.Messages) != "1 2 3 4 5 " {
		t.Errorf("the first batch has %q after %v", shown(first.Messages), first.Loss)
	}
	for _, m := range first.Messages {
		if m.Stored.IsZero() || time.Since(m.Stored) > time.Hour {
			t.Errorf("stored at %v", m.Stored)
		}
	}
	add(t, s.Log(), 6, 6, "a")
	if got := s.Log().Head().Seq; got != head.Seq+1 {
		t.Errorf("the next message has %d after %d", got, head.Seq)
	}
}

// A directory has one process. Its error names the one that has it.
func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	defer closed(t, s)
	_, err := Open(DefaultOptions(dir))
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) ||
		!strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

// In a directory that others can read they cannot read the store.
func TestStoreIsForItsOwner(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions are others there")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir, nil))
	info, err := os.Stat(filepath.Join(dir, storeName))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	if err := s.db.Set(keyFormat, []byte{0, 0, 0, format + 1}, nil); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	_, err := Open(DefaultOptions(dir))
	if err == nil || !strings.Contains(err.Error(), "has the format 3") {
		t.Errorf("error %v", err)
	}
	// That of the engine is in the name of a file.
	dir = t.TempDir()
	closed(t, open(t, dir, nil))
	markers, err := filepath.Glob(filepath.Join(dir, "store", "marker.format-version.*"))
	if err != nil || len(markers) != 1 {
		t.Fatal(markers, err)
	}
	if err := os.Rename(markers[0], strings.TrimSuffix(markers[0], filepath.Ext(markers[0]))+".999"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(DefaultOptions(dir))
	if err == nil || !strings.Contains(err.Error(), "written by a newer version") {
		t.Errorf("error %v", err)
	}
	asides, err := filepath.Glob(filepath.Join(dir, "store.damaged-*"))
	if err != nil || len(asides) > 0 {
		t.Errorf("moved aside %v, %v", asides, err)
	}
}

// The oldest messages are dropped when all are too large, and when they are too old.
func TestRetention(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var later atomic.Int64 // the store reads it, too
	dir := t.TempDir()
	s := open(t, dir, func(o *Options) {
		o.MaxBytes = 256 << 10
		o.Now = func() time.Time { return start.Add(time.Duration(later.Load())) }
	})
	l := s.Log()
	follow(l)
	batch := make([]*notify.Message, chunkEntries)
	for range 5 {
		for i := range batch {
			batch[i] = message(i, "a")
		}
		if err := l.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	l.tend()
	floor := l.Floor("a")
	if floor == 0 || l.Size() > 256<<10 {
		t.Fatalf("floor %d, %d bytes", floor, l.Size())
	}
	all, _, err := l.Read([]notify.Span{{Room: "a", After: floor}}, l.Head().Seq, 1<<20, 1<<30)
	if err != nil || uint64(len(all)) != l.Head().Seq-floor {
		t.Errorf("%d messages, %v", len(all), err)
	}
	if _, _, err := l.Read([]notify.Span{{Room: "a", After: floor - 1}}, l.Head().Seq, 1, 1); !errors.Is(
		err, notify.ErrTrimmed) {
		t.Errorf("error %v", err)
	}
	later.Store(int64(25 * time.Hour))
	for range 1000 { // its chunks are a part of MaxBytes
		l.tend()
	}
	head := l.Head()
	if l.floor.Load() != head.Seq {
		t.Errorf("floor %d, head %v", l.floor.Load(), head)
	}
	closed(t, s)
	s = open(t, dir, nil)
	defer closed(t, s)
	if first := follow(s.Log()); len(first.Messages) > 0 || s.Log().Head() != head {
		t.Errorf("%d messages, head %v, want %v", len(first.Messages), s.Log().Head(), head)
	}
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if !bytes.HasPrefix(it.Key(), []byte("m/")) {
			t.Fatalf("the key %q is left", it.Key())
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	defer closed(t, s)
	l := s.Log()
	follow(l)
	add(t, l, 1, 2, "a")
	add(t, l, 3, 3, "a", "b")
	add(t, l, 4, 4, "b")
	add(t, l, 5, 5, "aa")
	add(t, l, 6, 6, "a")
	for _, tt := range []struct {
		in    []notify.Span
		until uint64
		limit int
		want  string
	}{
		{[]notify.Span{{Room: "a"}}, 9, 9, "1 2 3 6 "},
		{[]notify.Span{{Room: "a"}, {Room: "b"}}, 9, 9, "1 2 3 4 6 "},
		{[]notify.Span{{Room: "a", After: 2}, {Room: "b", After: 3}}, 9, 9, "3 4 6 "},
		{[]notify.Span{{Room: "a"}, {Room: "b"}}, 4, 9, "1 2 3 4 "},
		{[]notify.Span{{Room: "a"}, {Room: "b"}}, 9, 2, "1 2 "},
		{[]notify.Span{{Room: "a", After: 9}}, 9, 9, ""},
		{[]notify.Span{{Room: "none"}}, 9, 9, ""},
		{nil, 9, 9, ""},
	} {
		got, _, err := l.Read(tt.in, tt.until, tt.limit, 1<<20)
		if err != nil || shown(got) != tt.want {
			t.Errorf("%+v: %s %v, want %s", tt, shown(got), err, tt.want)
		}
	}
}

// With a sync interval, a crash may lose ids that clients have seen, so that no client may compare
// them with new ones.
func TestCrashBetweenSyncs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	interval := func(o *Options) { o.SyncInterval = time.Millisecond }
	s := open(t, dir, interval)
	follow(s.Log())
	add(t, s.Log(), 1, 1, "a")
	epoch := s.Log().Head().Epoch
	crashed := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	s = open(t, dir, interval)
	if s.Log().Head().Epoch != epoch {
		t.Error("another epoch after an orderly end")
	}
	closed(t, s)
	s = open(t, crashed, interval)
	defer closed(t, s)
	if s.Log().Head().Epoch == epoch {
		t.Error("the same epoch after a crash")
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, raw := rapid.String(), rapid.SliceOf(rapid.Byte())
		optional := func(name string) json.RawMessage {
			if rapid.Bool().Draw(t, name) {
				return nil
			}
			return append(json.RawMessage{}, raw.Draw(t, name)...)
		}
		m := &notify.Message{
			ID: notify.ID{Epoch: 1, Seq: 2}, Namespace: text.Draw(t, "namespace"),
			Rooms: rapid.SliceOfN(text, 1, 3).Draw(t, "rooms"),
			Type:  text.Draw(t, "type"), TTL: time.Duration(rapid.Int64Min(0).Draw(t, "ttl")),
			Timestamp: time.UnixMilli(rapid.Int64Range(0, 1<<50).Draw(t, "time")).UTC(),
			Data:      optional("data"), Metadata: optional("metadata"), Args: optional("args"),
			BinaryArgs: optional("binary"), Bare: rapid.Bool().Draw(t, "bare"), Retain: rapid.Bool().Draw(t, "retain"),
		}
		if rapid.Bool().Draw(t, "lists") {
			m.Except = rapid.SliceOfN(text, 1, 3).Draw(t, "except")
			m.Attachments = rapid.SliceOfN(raw, 1, 3).Draw(t, "attachments")
		}
		stored := time.UnixMilli(5).UTC()
		entry := appendEntry(nil, m, stored)
		got, err := decodeEntry(m.ID, entry)
		if m.Stored = stored; err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v %v, want %+v", got, err, m)
		}
		for n := range entry {
			if _, err := decodeEntry(m.ID, entry[:n]); err == nil {
				t.Fatalf("%d of %d bytes are an entry", n, len(entry))
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(appendEntry(nil, message(1, "a"), time.Now()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeEntry(notify.ID{}, b)
		if err != nil {
			return
		}
		again, err := decodeEntry(notify.ID{}, appendEntry(nil, m, m.Stored))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v %v, want %+v", again, err, m)
		}
	})
}

// On a full disk nothing is accepted, so that no write fails. With space again everything is.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	s, disk := onSmallDisk(t, &now)
	defer closed(t, s)
	l := s.Log()
	follow(l)
	add(t, l, 1, 1, "a")
	now.Add(1000)
	disk.free.Store(64<<20 - 1)
	err := l.Append(t.Context(), []*notify.Message{message(2, "a")})
	if !errors.Is(err, notify.ErrUnavailable) || !strings.Contains(err.Error(), "67108863 bytes left") {
		t.Errorf("error %v", err)
	}
	if err := s.Sessions().Save([]notify.Session{{Key: "k"}}, nil); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("sessions: %v", err)
	}
	if head := l.Head(); head.Seq != 1 {
		t.Errorf("head %v", head)
	}
	disk.free.Store(64 << 20)
	now.Add(1000)
	add(t, l, 3, 3, "a")
	got, _, err := l.Read([]notify.Span{{Room: "a"}}, 9, 9, 1<<20)
	if err != nil || shown(got) != "1 3 " {
		t.Errorf("%s %v", shown(got), err)
	}
}

// A backup that is restored without the mark gives ids again that clients have seen, so it begins a
// new epoch. It has its messages.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	follow(s.Log())
	add(t, s.Log(), 1, 3, "a")
	epoch := s.Log().Head().Epoch
	closed(t, s)
	if err := os.Remove(filepath.Join(dir, "mark")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s = open(t, dir, nil)
		first := follow(s.Log())
		if head := s.Log().Head(); head.Epoch == epoch || first.Messages[2].ID != head {
			t.Errorf("head %v, former epoch %x", head, epoch)
		}
		epoch = 0 // the second time it stays the same
		closed(t, s)
	}
}
