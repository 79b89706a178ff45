package disklog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// files opens the files of a directory until the end of the test.
func files(t *testing.T, dir string) *Files {
	t.Helper()
	f, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// check returns the damage that a check finds.
func check(t *testing.T, f *Files) (c Checked, damage []string) {
	t.Helper()
	c, err := f.Check(func(line string) { damage = append(damage, line) })
	if err != nil {
		t.Fatal(err)
	}
	return c, damage
}

// sample makes a store with something of everything: 300 messages in tables, 5 in the write-ahead
// log, a session, a ticket and a retained message.
func sample(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir, nil)
	l := s.Log()
	follow(l)
	if err := l.Append(t.Context(), large(300)); err != nil {
		t.Fatal(err)
	}
	if err := s.Sessions().Save([]notify.Session{{Key: "pid:1", ClientID: "c"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Tickets().Save(ticketFor(1, time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	m := message(7, "b")
	m.Retain = true
	if err := l.Append(t.Context(), []*notify.Message{m}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	add(t, l, 1, 4, "a", "b")
	closed(t, s)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := OpenFiles(dir); !errors.Is(err, ErrNoStore) || !strings.Contains(err.Error(), dir) {
		t.Errorf("without a store: %v", err)
	}
	if all, _ := os.ReadDir(dir); len(all) > 0 {
		t.Errorf("the directory has %v now", all)
	}
	sample(t, dir)
	s := open(t, dir, nil)
	if _, err := OpenFiles(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("in use: %v", err)
	}
	head := s.Log().Head()
	closed(t, s)
	f := files(t, dir)
	if _, err := Open(DefaultOptions(dir)); !errors.Is(err, ErrInUse) {
		t.Errorf("a store opens while its files are read: %v", err)
	}
	if c, damage := check(t, f); len(damage) > 0 || c != (Checked{2, 305, 1, 1, 1}) {
		t.Errorf("checked %+v, damage %q", c, damage)
	}
	st, err := f.Stat(1)
	if err != nil || st.Notifications != 305 || st.Rooms != 2 || len(st.Largest) != 1 ||
		st.Largest[0].Room != "a" || st.Largest[0].Notifications != 304 || st.Sessions != 1 ||
		st.Retained != 1 || st.Tickets != 1 || st.Newest.ID != head.String() || st.Bytes < 300_000 ||
		st.Oldest.ID != (notify.ID{Epoch: head.Epoch, Seq: 1}).String() || st.FileBytes == 0 {
		t.Errorf("%+v %v", st, err)
	}
	var got []Exported
	n, err := f.Export(notify.ID{Epoch: head.Epoch, Seq: 300}, "b", func(e Exported) error {
		got = append(got, e)
		return nil
	})
	if err != nil || n != 0 || len(got) != 5 || string(got[0].Data) != "7" || !got[0].Retain ||
		got[4].ID != head.String() || len(got[4].Rooms) != 2 || got[4].Stored.IsZero() {
		t.Errorf("exported %+v, %d unreadable, %v", got, n, err)
	}
	if Newest(dir) != head {
		t.Errorf("newest %v, want %v", Newest(dir), head)
	}
}

// A check finds a flipped bit in any table, and a write-ahead log without its end.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	template := t.TempDir()
	sample(t, template)
	newest := ""
	for _, name := range filesOf(t, template) {
		if strings.HasSuffix(name, ".log") {
			newest = max(newest, name)
		}
	}
	for _, name := range filesOf(t, template) {
		log := strings.HasSuffix(name, ".log")
		if !log && !strings.HasSuffix(name, ".sst") {
			continue
		}
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if log && name != newest {
			continue // of what is in tables
		}
		flip(t, path, info.Size()*8/2)
		f, err := OpenFiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, damage := check(t, f); len(damage) == 0 {
			t.Errorf("no damage in %s", name)
		}
		if _, err := f.Export(notify.ID{}, "", func(Exported) error { return nil }); err != nil {
			t.Errorf("export with a damaged %s: %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A backup that is made while publishers go on has everything that was acknowledged before, without a
// hole, and begins a new epoch when it is restored.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	l := s.Log()
	follow(l)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var written atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if l.Append(ctx, []*notify.Message{message(1, "a")}) == nil {
					written.Add(1)
				}
			}
		})
	}
	var restored []string
	var least []notify.ID
	for i := range 3 {
		eventually(t, "messages are written", func() bool { return written.Load() > int64(i)*100 })
		before := l.Head()
		from, head, err := s.Backup()
		if err != nil || head.Seq < before.Seq {
			t.Fatalf("head %v after %v, %v", head, before, err)
		}
		to := filepath.Join(t.TempDir(), "backup")
		if err := MoveBackup(from, to); err != nil {
			t.Fatal(err)
		}
		restored, least = append(restored, to), append(least, head)
	}
	cancel()
	wg.Wait()
	closed(t, s)
	stopped := filepath.Join(t.TempDir(), "stopped")
	f, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Backup(stopped), f.Close()); err != nil {
		t.Fatal(err)
	}
	restored, least = append(restored, stopped), append(least, l.Head())
	for i, dir := range restored {
		if _, damage := check(t, files(t, dir)); len(damage) > 0 {
			t.Errorf("backup %d: %q", i, damage)
		}
		again := filepath.Join(t.TempDir(), "again") // the files above keep the lock
		if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		s := open(t, again, nil)
		first := follow(s.Log())
		head := s.Log().Head()
		if head.Seq < least[i].Seq || head.Epoch == least[i].Epoch ||
			uint64(len(first.Messages)) != head.Seq {
			t.Errorf("backup %d has %d messages, head %v, want at least %v", i, len(first.Messages),
				head, least[i])
		}
		all, _, err := s.Log().Read([]notify.Span{{Room: "a"}}, head.Seq, 1<<20, 1<<40)
		if err != nil || uint64(len(all)) != head.Seq {
			t.Errorf("backup %d: read %d of %d, %v", i, len(all), head.Seq, err)
		}
		closed(t, s)
	}
}
