package redisstream

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// Damaged entries, and those of other applications, are passed over: the damaged ones are counted
// (R13).
func TestDamagedEntries(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	file, err := os.Open("../nodewire/testdata/poison-0.3.1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s.Do(t, "XADD", "socket.io", "*", "app", "another") // no fault
	lines := 1
	for scan := bufio.NewScanner(file); scan.Scan(); lines++ {
		var of struct{ Fields []string }
		if err := json.Unmarshal(scan.Bytes(), &of); err != nil {
			t.Fatal(err)
		}
		s.Do(t, append([]string{"XADD", "socket.io", "*"}, of.Fields...)...)
	}
	s.Do(t, "XADD", "socket.io", "*", "nsp", "/", "uid", "n", "type", "1") // a heartbeat
	s.Do(t, "XADD", "socket.io", "*", "rc", `{"v":9,"k":"later"}`)         // of a later version
	s.Do(t, "XADD", "socket.io", "*", "uid", "n", "nsp", "/", "type", "3", "data",
		`{"opts":{"rooms":["r"],"except":[],"flags":{}},"packet":{"type":2,"data":["node",1]}}`)
	add(t, l, "last")
	if got := r.types(); !slices.Equal(got, []string{"noflags", "x", "x", "node", "t"}) {
		t.Errorf("got %q", got)
	}
	if lines != 14 || l.Skipped() != 9 || r.lost() != nil {
		t.Errorf("skipped %d of %d, losses %v", l.Skipped(), lines, r.lost())
	}
	// The next process passes over them, too.
	next := openLog(t, c, nil)
	again := readFrom(t, next)
	servertest.Receive(t, next.Ready())
	if !slices.Equal(again.types(), r.types()) || next.Skipped() != 9 {
		t.Errorf("the next process has %q, and skipped %d", again.types(), next.Skipped())
	}
}

func (r *reader) types() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		all = append(all, m.Type)
	}
	return all
}

// The tail reads past ids that no message can have.
func TestForeignIDs(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	s.Do(t, "XADD", "socket.io", "1-1", "uid", "n", "nsp", "/", "type", "3", "data",
		`{"opts":{"rooms":["r"],"except":[],"flags":{}},"packet":{"type":2,"data":["node",1]}}`)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	add(t, l, "x")
	if got := r.types(); !slices.Equal(got, []string{"t"}) || l.Skipped() != 1 {
		t.Errorf("got %q, skipped %d", got, l.Skipped())
	}
	s.Do(t, "XADD", "socket.io", "9999999999999-0", "x", "y") // after the year 2109
	err := l.Append(t.Context(), []*notify.Message{message("never")})
	if err == nil || l.Head().Epoch != notify.StreamEpoch {
		t.Errorf("error %v, head %v", err, l.Head())
	}
	other := openLog(t, c, nil) // which has no other id than that
	readFrom(t, other)
	s.Do(t, "DEL", "socket.io")
	servertest.Eventually(t, "a stream for messages", func() bool {
		return l.Append(t.Context(), []*notify.Message{message("again")}) == nil &&
			other.Append(t.Context(), []*notify.Message{message("again")}) == nil
	})
	if lost := r.lost(); len(lost) != 1 || lost[0] != noPosition {
		t.Errorf("losses %v", lost)
	}
	if f := nextFork(t, c); f.To.Seq == math.MaxUint64 {
		t.Errorf("a fork from %v to %v: all later messages are lost", f.From, f.To)
	}
}
