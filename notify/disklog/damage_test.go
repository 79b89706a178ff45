package disklog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// A bit that flips anywhere in the files is found, or does no harm: the store opens, every message
// that it has is as it was written, and what is missing counts as lost. The same holds when the manifest
// is missing, too.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	template := t.TempDir()
	s := open(t, template, nil)
	l := s.Log()
	follow(l)
	padding := strings.Repeat("x", 200)
	var written []string
	write := func(n int) {
		batch := make([]*notify.Message, n)
		for i := range batch {
			batch[i] = message(len(written), "a")
			batch[i].Data = fmt.Appendf(nil, `"%d %s"`, len(written), padding)
			written = append(written, string(batch[i].Data))
		}
		if err := l.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	write(500)
	if err := s.db.Flush(); err != nil { // a part is in tables, the rest in the write-ahead log
		t.Fatal(err)
	}
	for range 20 {
		write(10)
	}
	epoch := l.Head().Epoch
	closed(t, s)
	var files []string
	var sizes []int64
	total := int64(0)
	for _, f := range filesOf(t, template) {
		info, err := os.Stat(filepath.Join(template, f))
		if err != nil {
			t.Fatal(err)
		}
		files, sizes = append(files, f), append(sizes, info.Size())
		total += info.Size()
	}
	flips := 12
	if os.Getenv("ROOMCAST_SOAK") != "" {
		flips = 1000
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range flips {
		at := random.Int64N(total * 8)
		i := 0
		for at >= sizes[i]*8 {
			at -= sizes[i] * 8
			i++
		}
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
		flip(t, filepath.Join(dir, files[i]), at)
		name := fmt.Sprintf("bit %d of %s", at, files[i])
		if n%3 == 0 { // the engine cannot open it
			name += ", without the manifest"
			removeManifest(t, vfs.Default, dir)
		}
		s := open(t, dir, nil)
		checkStore(t, s, name, epoch, written)
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// checkStore checks that everything after the floor is there, as it was written. In a new epoch a part
// that could not be read may be missing: no client has seen those ids.
func checkStore(t *testing.T, s *Store, name string, epoch uint32, written []string) {
	t.Helper()
	l := s.Log()
	first := follow(l)
	if l.Head().Epoch == epoch && l.Head().Seq != uint64(len(written)) {
		t.Errorf("%s: the head is %v of %d, in the same epoch", name, l.Head(), len(written))
	}
	written = written[:l.Head().Seq] // in a new epoch some may be lost: every client gets a gap
	check := func(m *notify.Message) {
		if string(m.Data) != written[m.ID.Seq-1] {
			t.Errorf("%s: message %d is %s", name, m.ID.Seq, m.Data)
		}
	}
	for _, m := range first.Messages {
		check(m)
	}
	same := l.Head().Epoch == epoch
	if n := len(first.Messages); same && uint64(n) != l.Head().Seq-first.Loss.Head.Seq {
		t.Errorf("%s: %d messages after %v", name, n, first.Loss.Head)
	}
	for after := l.floor.Load(); ; {
		page, all, err := l.Read([]notify.Span{{Room: "a", After: after}}, uint64(len(written)), 500, 1<<30)
		if err != nil {
			if after = l.floor.Load(); after != uint64(len(written)) {
				t.Errorf("%s: %v, floor %d", name, err, after)
			}
			return
		}
		for _, m := range page {
			if after++; same && m.ID.Seq != after || m.ID.Seq < after {
				t.Fatalf("%s: message %d is missing, there is %d", name, after, m.ID.Seq)
			}
			check(m)
			after = m.ID.Seq
		}
		if all {
			break
		}
	}
}

func filesOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Size() > 0 {
			path, err = filepath.Rel(dir, path)
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func flip(t *testing.T, path string, bit int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, bit/8); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (bit % 8)
	if _, err := f.WriteAt(b, bit/8); err != nil {
		t.Fatal(err)
	}
}

// A file that is missing, or has lost its end, is damage as well: the store opens, and what it has is
// as it was written.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	template := t.TempDir()
	s := open(t, template, nil)
	follow(s.Log())
	var written []string
	for range 2 {
		for range 50 {
			add(t, s.Log(), len(written), len(written), "a")
			written = append(written, fmt.Sprint(len(written)))
		}
		if len(written) == 50 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	epoch := s.Log().Head().Epoch
	closed(t, s)
	for _, name := range filesOf(t, template) {
		for _, half := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			info, err := os.Stat(path)
			if err == nil && half {
				err = os.Truncate(path, info.Size()/2)
			} else if err == nil {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			o := DefaultOptions(dir)
			s, err := Open(o)
			if err != nil {
				t.Errorf("%s, half %t: %v", name, half, err)
				continue
			}
			checkStore(t, s, fmt.Sprintf("%s, half %t", name, half), epoch, written)
			closed(t, s)
		}
	}
}
