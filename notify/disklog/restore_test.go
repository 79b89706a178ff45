package disklog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// closedDir makes a data directory with a number of messages, which no process has open.
func closedDir(t *testing.T, messages int) (dir string, head notify.ID) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	s, err := Open(DefaultOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	for range messages {
		m := &notify.Message{Namespace: "/", Rooms: []string{"r"}, Type: "t"}
		if err := s.Log().Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	head = s.Log().Head()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, head
}

// What cannot be restored leaves the directory as it is, with its mark.
func TestRestoreIsRefused(t *testing.T) {
	t.Parallel()
	backup, _ := closedDir(t, 1)
	damaged, _ := closedDir(t, 1)
	if err := os.WriteFile(filepath.Join(damaged, storeName, "CURRENT"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	markers, err := filepath.Glob(filepath.Join(damaged, storeName, "marker.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range markers {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		from, want string
		prepare    func(dir string) error
	}{
		"no store":     {t.TempDir(), "has no store", nil},
		"damage":       {damaged, "cannot be opened", nil},
		"twice":        {backup, "store.before exists: remove it first", func(dir string) error { return os.Mkdir(filepath.Join(dir, FormerName), 0o700) }},
		"no directory": {filepath.Join(backup, "none"), "has no store", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir, head := closedDir(t, 3)
			if tt.prepare != nil {
				if err := tt.prepare(dir); err != nil {
					t.Fatal(err)
				}
			}
			if err := Restore(dir, tt.from); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			s, err := Open(DefaultOptions(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Log().Head() != head {
				t.Errorf("the head is %v, want %v", s.Log().Head(), head)
			}
		})
	}
	dir, _ := closedDir(t, 1)
	if err := Restore(dir, dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a directory from itself: %v", err)
	}
	if err := Restore(t.TempDir(), ""); !errors.Is(err, ErrNoStore) {
		t.Errorf("an empty directory: %v", err)
	}
}

// A directory without a store gets that of the backup, and what an interrupted Restore has left is
// no obstacle.
func TestRestoreIntoAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	backup, head := closedDir(t, 3)
	dir := filepath.Join(t.TempDir(), "new")
	for _, left := range []string{"restoring", "restoring.partial"} {
		if err := os.MkdirAll(filepath.Join(dir, left, storeName), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := Restore(dir, backup); err != nil {
		t.Fatal(err)
	}
	s, err := Open(DefaultOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Log().Head(); got.Seq != head.Seq || got.Epoch == head.Epoch {
		t.Errorf("the head is %v after %v", got, head)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "restoring") {
			t.Errorf("%s is left", e.Name())
		}
	}
}
