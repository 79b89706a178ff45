package disklog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
)

// rich makes a store with something of everything, some of it in two tables and the rest in the
// write-ahead log, with entries that are deleted and replaced later. It is not closed in order: the
// write-ahead log has everything since the last flush. It returns a copy of its directory.
func rich(t *testing.T) (dir string, epoch uint32) {
	t.Helper()
	source := t.TempDir()
	s := open(t, source, nil)
	l := s.Log()
	follow(l)
	for part := range 3 {
		add(t, l, part*10, part*10+9, "a", "b")
		retained := message(100+part, "a")
		retained.Retain = true
		if err := l.Append(t.Context(), []*notify.Message{retained}); err != nil {
			t.Fatal(err)
		}
		var ended []string
		if part > 0 {
			ended = []string{fmt.Sprint("ended ", part-1)}
		}
		if err := s.Sessions().Save([]notify.Session{
			{Key: fmt.Sprint("pid:", part), ClientID: "c"}, {Key: fmt.Sprint("ended ", part), ClientID: "c"},
		}, ended); err != nil {
			t.Fatal(err)
		}
		err := s.KV("answers", kvtest.Wide).Put(t.Context(), fmt.Sprint(part), []byte("answer"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(part)
		if err := s.Queue("q").Save([][2]uint64{{1, 1 + n}}, []uint64{1 + n, 50 + n},
			texts("early", fmt.Sprint("event ", part)), 3); err != nil {
			t.Fatal(err)
		}
		if part < 2 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir = filepath.Join(t.TempDir(), "copy")
	copyDir(t, source, dir)
	epoch = l.Head().Epoch
	closed(t, s)
	return dir, epoch
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// whole is what contents shows of a store that has everything that rich has written.
const whole = "33 messages, 33 of a, 30 of b, sessions 4, retained 102, answers 3, " +
	"queue [3 50 51 52] 3"

// contents shows what a store has.
func contents(t *testing.T, s *Store) string {
	t.Helper()
	l := s.Log()
	first := follow(l)
	count := func(room string) int {
		all, _, err := l.Read([]notify.Span{{Room: room, After: l.floor.Load()}}, l.Head().Seq, 100, 1<<30)
		if err != nil {
			t.Error(err)
		}
		return len(all)
	}
	for _, m := range first.Messages {
		if want := wantData(m.ID.Seq); string(m.Data) != want {
			t.Errorf("message %v has %s, want %s", m.ID, m.Data, want)
		}
	}
	answers := 0
	for i := range 3 {
		value, err := s.KV("answers", kvtest.Wide).Get(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Error(err)
		}
		if value != nil {
			answers++
		}
	}
	numbers, _, lost, err := s.Queue("q").Load()
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("%d messages, %d of a, %d of b, sessions %d, retained %s, answers %d, queue %v %d",
		len(first.Messages), count("a"), count("b"), len(s.Sessions().Load()),
		strings.TrimSpace(shown(s.Retained().Retained())), answers, numbers, lost)
}

// wantData returns the data of a message of rich.
func wantData(seq uint64) string {
	part, n := (seq-1)/11, (seq-1)%11
	if n == 10 {
		return fmt.Sprint(100 + part)
	}
	return fmt.Sprint(part*10 + n)
}

// Each file of a store is removed, emptied or damaged at its begin. The store opens, has what the
// other files have, begins one new epoch, and says so in one line.
func TestRescueFiles(t *testing.T) {
	t.Parallel()
	template, epoch := rich(t)
	damages := map[string]func(path string) error{
		"removed": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"flipped": func(path string) error {
			data, err := os.ReadFile(path)
			for i := range min(len(data), 16) {
				data[i] ^= 0xff
			}
			return errorOr(err, func() error { return os.WriteFile(path, data, 0o600) })
		},
	}
	// Damage to these files costs nothing.
	free := func(name string) bool {
		for _, prefix := range []string{"MANIFEST", "OPTIONS", "marker"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	for _, name := range namesOf(t, filepath.Join(template, storeName)) {
		for damage, apply := range damages {
			t.Run(name+" "+damage, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "data")
				copyDir(t, template, dir)
				if err := apply(filepath.Join(dir, storeName, name)); err != nil {
					t.Fatal(err)
				}
				checkFiles(t, dir)
				core, logs := observer.New(zap.ErrorLevel)
				s := open(t, dir, func(o *Options) { o.Log = zap.New(core) })
				got, head, losses := contents(t, s), s.Log().Head(), s.Log().Losses()
				closed(t, s)
				t.Logf("%s %s: %s, %d losses", name, damage, got, losses)
				if free(name) && got != whole {
					t.Errorf("has %s, want %s", got, whole)
				}
				if (losses == 0) != (head.Epoch == epoch) || losses > 1 || logs.Len() != int(losses) {
					t.Errorf("epoch %x after %x, %d losses, log %v", head.Epoch, epoch, losses, logs.All())
				}
				if losses == 0 && got != whole {
					t.Errorf("has %s without a new epoch", got)
				}
				s = open(t, dir, nil)
				if again := contents(t, s); again != got || s.Log().Head() != head || s.Log().Losses() != 0 {
					t.Errorf("the next process has %s, head %v, want %s, %v", again, s.Log().Head(), got, head)
				}
				closed(t, s)
				if _, damage := check(t, files(t, dir)); len(damage) > 0 {
					t.Errorf("damage remains: %q", damage)
				}
			})
		}
	}
}

// checkFiles uses the commands for operators on a damaged directory.
func checkFiles(t *testing.T, dir string) {
	t.Helper()
	f, err := OpenFiles(dir)
	if err != nil {
		t.Error(err)
		return
	}
	checked, damage := check(t, f)
	exported := 0
	if _, err := f.Export(notify.ID{}, "", func(e Exported) error {
		exported++
		return nil
	}); err != nil {
		t.Error(err)
	}
	if exported != checked.Notifications {
		t.Errorf("%d notifications exported, %d checked", exported, checked.Notifications)
	}
	st, err := f.Stat(1)
	if err != nil || st.Notifications != exported {
		t.Errorf("%+v %v", st, err)
	}
	if f.Damage() != "" && len(damage) == 0 {
		t.Errorf("a check finds nothing: %s", f.Damage())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func errorOr(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

func namesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "LOCK" {
			names = append(names, e.Name())
		}
	}
	return names
}
