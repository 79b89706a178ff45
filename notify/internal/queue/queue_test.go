package queue

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A slow writer makes the queue refuse what does not fit, and a caller that does not wait longer takes
// its messages back, if they are not being written.
func TestQueue(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	q := New[int](full)
	if err := q.Push(1, maxMessages-1, 0); err != nil {
		t.Fatal(err)
	}
	if err := q.Push(2, 2, 0); !errors.Is(err, full) {
		t.Errorf("too many: %v", err)
	}
	if err := q.Push(3, 1, maxBytes+1); !errors.Is(err, full) {
		t.Errorf("too large: %v", err)
	}
	if !q.Withdraw(1) || q.Withdraw(1) || q.messages != 0 || q.bytes != 0 {
		t.Errorf("after a withdrawal %d messages, %d bytes", q.messages, q.bytes)
	}
	if err := q.Push(4, 2*maxMessages, 2*maxBytes); err != nil {
		t.Errorf("a large call alone: %v", err)
	}
	if calls, closed := q.Take(); len(calls) != 1 || calls[0] != 4 || closed {
		t.Errorf("took %v, closed %v", calls, closed)
	}
	for i := range 300 {
		if err := q.Push(i, 1, 10); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := q.Take()
	rest, _ := q.Take()
	if len(first) != batchMessages || len(rest) != 300-batchMessages || rest[0] != batchMessages ||
		q.messages != 0 || q.bytes != 0 {
		t.Errorf("batches of %d and %d", len(first), len(rest))
	}
	if !q.Close() || q.Close() {
		t.Error("it was not open once")
	}
	if err := q.Push(5, 1, 0); !errors.Is(err, notify.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
	if calls, closed := q.Take(); calls != nil || !closed {
		t.Errorf("took %v, closed %v", calls, closed)
	}
	select {
	case <-q.Filled:
	default:
		t.Error("Close does not wake the writer")
	}
}

// Bytes end a batch, too.
func TestBatchBytes(t *testing.T) {
	t.Parallel()
	q := New[int](errors.New("full"))
	for i, size := range []int{BatchBytes + 1, BatchBytes, 1, BatchBytes - 1} {
		if err := q.Push(i, 1, size); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{1, 1, 2, 0} {
		if calls, _ := q.Take(); len(calls) != want {
			t.Errorf("batch %d has %d calls, want %d", i, len(calls), want)
		}
	}
}
