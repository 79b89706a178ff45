package disklog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
)

// state shows what a queue has.
func (q *Queue) state(t *testing.T) string {
	t.Helper()
	numbers, events, lost, err := q.Load()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s %d", numbers, events, lost)
}

func texts(texts ...string) (all [][]byte) {
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

func TestQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	q := s.Queue("a")
	save := func(gone [][2]uint64, numbers []uint64, events [][]byte, lost uint64) {
		t.Helper()
		if err := q.Save(gone, numbers, events, lost); err != nil {
			t.Fatal(err)
		}
	}
	if state := q.state(t); state != "[] [] 0" {
		t.Errorf("a new queue has %s", state)
	}
	save(nil, []uint64{1, 2, 300, 1 << 40}, texts("a", "b", "c", "d"), 7)
	save([][2]uint64{{2, 300}, {0, 0}}, nil, nil, 7)
	if err := s.Queue("b").Save(nil, []uint64{5}, texts("other"), 0); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	s = open(t, dir, nil)
	q = s.Queue("a")
	if state := q.state(t); state != "[1 300 1099511627776] [a c d] 7" {
		t.Errorf("after a restart the queue has %s", state)
	}
	save([][2]uint64{{1, 1<<40 + 1}}, nil, nil, 0)
	if state := q.state(t); state != "[] [] 0" {
		t.Errorf("the empty queue has %s", state)
	}
	if err := s.KeepQueues([]string{"a"}); err != nil {
		t.Fatal(err)
	}
	if state := s.Queue("b").state(t); state != "[] [] 0" {
		t.Errorf("the queue that nobody keeps has %s", state)
	}
	closed(t, s)
	if err := q.Save(nil, nil, nil, 0); !errors.Is(err, notify.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Save returns after a sync.
func TestQueueIsSynced(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	s := open(t, "data", func(o *Options) { o.fs = fs })
	if err := s.Queue("a").Save(nil, []uint64{1}, texts("x"), 3); err != nil {
		t.Fatal(err)
	}
	after := fs.CrashClone(vfs.CrashCloneCfg{})
	closed(t, s)
	s = open(t, "data", func(o *Options) { o.fs = after })
	defer closed(t, s)
	if state := s.Queue("a").state(t); state != "[1] [x] 3" {
		t.Errorf("after a power cut the queue has %s", state)
	}
}
