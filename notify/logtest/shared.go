package logtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// record has the batches that a log delivers.
type record struct {
	mu      sync.Mutex
	batches []notify.Batch
	loss    chan struct{} // closed at the second loss: the first one says where the log begins
}

func (r *record) follow(log notify.Log) {
	r.loss = make(chan struct{})
	log.Follow(func(b notify.Batch) func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.batches = append(r.batches, b); len(r.batches) > 1 && b.Loss != nil {
			close(r.loss)
		}
		return nil
	})
	<-log.Ready()
}

// messages returns all messages so far.
func (r *record) messages() (all []*notify.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.batches {
		all = append(all, b.Messages...)
	}
	return all
}

// losses returns the losses after the first one.
func (r *record) losses() (all []notify.Loss) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.batches[1:] {
		if b.Loss != nil {
			all = append(all, *b.Loss)
		}
	}
	return all
}

// add appends a message.
func add(t *testing.T, log notify.Log, text string) *notify.Message {
	t.Helper()
	m := message(text)
	if err := log.Append(t.Context(), []*notify.Message{m}); err != nil {
		t.Fatal(err)
	}
	return m
}

func ready(t *testing.T, log notify.Log) {
	follow(log)
	select {
	case <-log.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the log is not ready")
	}
	if head := log.Head(); head.Epoch == 0 {
		t.Errorf("the head of a log that is ready is %v", head)
	}
}

func wait(t *testing.T, log notify.Log) {
	got, start := follow(log), log.Head()
	first, last := add(t, log, "a"), add(t, log, "b")
	for _, id := range []notify.ID{start, first.ID, last.ID} {
		if err := log.Wait(t.Context(), id); err != nil || len(got()) != 2 {
			t.Errorf("Wait for %v: %v", id, err)
		}
	}
	other := notify.ID{Epoch: last.ID.Epoch ^ 1, Seq: 1}
	for _, id := range []notify.ID{{Epoch: last.ID.Epoch, Seq: last.ID.Seq + 1<<40}, other} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := log.Wait(ctx, id)
		cancel()
		if !errors.Is(err, notify.ErrAhead) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait for %v, which there is not: %v", id, err)
		}
	}
}

func foreign(t *testing.T, s Subject) {
	if s.Peer == nil {
		t.Skip("no other node has the log")
	}
	var here, there record
	here.follow(s.Log)
	there.follow(s.Peer)
	var ids []notify.ID
	for i := range 20 {
		log, other := s.Log, s.Peer
		if i%3 == 0 {
			log, other = other, log
		}
		m := add(t, log, "x")
		if err := other.Wait(t.Context(), m.ID); err != nil {
			t.Fatalf("Wait of the other node for %v: %v", m.ID, err)
		}
		ids = append(ids, m.ID)
	}
	a, b := here.messages(), there.messages()
	for _, got := range [][]*notify.Message{a, b} {
		if seen := idsOf(got); !slices.Equal(seen, ids) {
			t.Fatalf("a node got %v, want %v", seen, ids)
		}
	}
	for i := range a {
		if a[i] == b[i] || string(a[i].Data) != string(b[i].Data) {
			t.Errorf("two nodes got %p %s and %p %s", a[i], a[i].Data, b[i], b[i].Data)
		}
	}
}

func idsOf(messages []*notify.Message) (ids []notify.ID) {
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

// lost appends a message after a loss, and returns the loss.
func lost(t *testing.T, s Subject, r *record) notify.Loss {
	t.Helper()
	select {
	case <-r.loss:
	case <-time.After(time.Minute):
		t.Fatal("the follower got no loss")
	}
	m := add(t, s.Log, "after")
	all := r.losses()
	if len(all) != 1 || m.ID.Epoch != all[0].Head.Epoch || m.ID.Seq <= all[0].Head.Seq {
		t.Fatalf("losses %+v, then id %v", all, m.ID)
	}
	if got := r.messages(); got[len(got)-1] != m {
		t.Fatalf("the follower got %v last, want %v", got[len(got)-1].ID, m.ID)
	}
	return all[0]
}

func renewed(t *testing.T, s Subject) {
	if s.Renew == nil {
		t.Skip("the log cannot lose messages")
	}
	var r record
	r.follow(s.Log)
	last := add(t, s.Log, "before")
	s.Renew()
	loss := lost(t, s, &r)
	if loss.Head.Epoch == last.ID.Epoch && loss.Head.Seq >= last.ID.Seq {
		t.Errorf("a loss up to %v after %v", loss.Head, last.ID)
	}
}

func trimmed(t *testing.T, s Subject) {
	if s.Trim == nil {
		t.Skip("the log cannot lose messages that it did not deliver")
	}
	var r record
	r.follow(s.Log)
	last := add(t, s.Log, "before")
	s.Trim()
	loss := lost(t, s, &r)
	if loss.Head.Epoch != last.ID.Epoch || loss.Head.Seq <= last.ID.Seq {
		t.Errorf("a loss up to %v after %v", loss.Head, last.ID)
	}
}

func uncertain(t *testing.T, s Subject) {
	if s.Stall == nil {
		t.Skip("the log stores at once")
	}
	var r record
	r.follow(s.Log)
	resume := s.Stall()
	results := make(map[*notify.Message]error)
	for range 3 {
		m := message("late")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		results[m] = s.Append(ctx, []*notify.Message{m})
		cancel()
	}
	resume()
	results[add(t, s.Log, "after")] = nil
	var got []*notify.Message
	for _, m := range r.messages() {
		if err := results[m]; err != nil && !errors.Is(err, notify.ErrUncertain) || slices.Contains(got, m) {
			t.Errorf("%v was delivered after %v", m.ID, err)
		}
		got = append(got, m)
	}
	for m, err := range results {
		if err == nil && !slices.Contains(got, m) {
			t.Errorf("%v was not delivered", m.ID)
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, notify.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
	}
}

func reopened(t *testing.T, s Subject) {
	if s.Reopen == nil {
		t.Skip("the log ends with its process")
	}
	follow(s.Log)
	var want []notify.ID
	for range 3 {
		want = append(want, add(t, s.Log, "kept").ID)
	}
	var r record
	log := s.Reopen()
	defer log.Close()
	r.follow(log)
	kept := r.messages()
	if got := idsOf(kept); !slices.Equal(got, want) || log.Head() != want[2] {
		t.Fatalf("the next process has %v, head %v, want %v", got, log.Head(), want)
	}
	for _, m := range kept {
		if string(m.Data) != `"kept"` || m.Stored.IsZero() {
			t.Errorf("%v is %s, stored at %v", m.ID, m.Data, m.Stored)
		}
	}
	first := r.batches[0]
	if first.Loss == nil || !first.Retained || first.Loss.Head.Seq >= want[0].Seq ||
		first.Loss.Head.Epoch != want[0].Epoch {
		t.Errorf("the first batch is %+v", first)
	}
	if m := add(t, log, "next"); m.ID.Epoch != want[2].Epoch || m.ID.Seq <= want[2].Seq {
		t.Errorf("the next id is %v", m.ID)
	}
}
