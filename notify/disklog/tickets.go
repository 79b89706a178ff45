package disklog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

const (
	// commitTimeout is how long Save and Remove wait for the disk.
	commitTimeout = 2 * time.Second
	// maxCommits is how many of their calls wait.
	maxCommits = 4096
	// ticketSweep is the time between two removals of expired tickets.
	ticketSweep = auth.MaxTicketTTL

	ticketKeySize = len(ticketPrefix) + 8 + sha256.Size
)

// Tickets is the auth.TicketStore of a Store.
type Tickets struct {
	s       *Store
	commits chan struct{} // has a value for each commit that runs
	latest  atomic.Int64  // the latest expiry of a ticket that a sweep has not removed; 0: none
	swept   time.Time     // the last sweep; used by the writer only
}

func newTickets(s *Store) *Tickets {
	return &Tickets{s: s, commits: make(chan struct{}, maxCommits)}
}

// Tickets returns the tickets of the directory.
func (s *Store) Tickets() *Tickets { return s.tickets }

// ticketKey returns the key of a ticket. The expiry comes first, so expired ones are one range.
func ticketKey(t auth.StoredTicket) []byte {
	key := append(make([]byte, 0, ticketKeySize), ticketPrefix...)
	key = binary.BigEndian.AppendUint64(key, uint64(t.Expires.UnixMilli()))
	return append(key, t.Digest[:]...)
}

// Load implements auth.TicketStore. Damaged tickets are dropped, all of them: a damaged part can be
// the one that says which were used.
func (t *Tickets) Load() (all []auth.StoredTicket) {
	now := t.s.o.Now()
	err := t.s.Log().scan([]byte(ticketPrefix), successor(ticketPrefix), func(key, value []byte) error {
		if len(key) != ticketKeySize {
			return errEntry
		}
		stored := auth.StoredTicket{Value: bytes.Clone(value)}
		rest := key[len(ticketPrefix):]
		stored.Expires = time.UnixMilli(int64(binary.BigEndian.Uint64(rest)))
		copy(stored.Digest[:], rest[8:])
		t.note(stored.Expires)
		if now.Before(stored.Expires) {
			all = append(all, stored)
		}
		return nil
	})
	if err == nil {
		return all
	}
	t.s.o.Log.Error("stored tickets are damaged: they are dropped, and their clients get new ones",
		zap.Error(err))
	if err := t.drop(); err != nil {
		t.s.o.Fatal(err)
	}
	return nil
}

// drop removes all tickets. Of a restored backup, and of a log that has lost its end, nobody knows
// which were used.
func (t *Tickets) drop() error {
	from, to := []byte(ticketPrefix), successor(ticketPrefix)
	errFound := errors.New("there is one")
	if err := scan(t.s.db, from, to, func(_, _ []byte) error { return errFound }); err == nil {
		return nil // a new store needs no tombstone
	}
	return t.s.db.DeleteRange(from, to, pebble.Sync)
}

// note remembers that there is a ticket with this expiry.
func (t *Tickets) note(expires time.Time) {
	for ms := expires.UnixMilli(); ; {
		latest := t.latest.Load()
		if ms <= latest || t.latest.CompareAndSwap(latest, ms) {
			return
		}
	}
}

// Save implements auth.TicketStore. Its error wraps notify.ErrUnavailable when the disk is full or
// too slow.
func (t *Tickets) Save(ticket auth.StoredTicket) error {
	l := t.s.Log()
	if err := l.room(); err != nil {
		return err
	}
	t.note(ticket.Expires)
	return t.commit(l.sync, func(b *pebble.Batch) error {
		return b.Set(ticketKey(ticket), ticket.Value, nil)
	})
}

// Remove implements auth.TicketStore. It syncs, whatever Options.SyncInterval is, because a ticket
// must not be used twice. It may use half of the space that is kept free, so that tickets work
// while the disk is full: it writes few bytes, and no new tickets are stored then.
func (t *Tickets) Remove(tickets ...auth.StoredTicket) error {
	if err := t.s.Log().reserve(); err != nil {
		return err
	}
	return t.commit(pebble.Sync, func(b *pebble.Batch) (err error) {
		for i := 0; i < len(tickets) && err == nil; i++ {
			err = b.Delete(ticketKey(tickets[i]), nil)
		}
		return err
	})
}

// commit commits a batch and waits until that is done, or too late. A commit that is late runs on.
func (t *Tickets) commit(how *pebble.WriteOptions, fill func(*pebble.Batch) error) error {
	select {
	case t.commits <- struct{}{}:
	default:
		return errQueueFull
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { <-t.commits }()
		b := t.s.db.NewBatch()
		defer b.Close()
		if err := errors.Join(fill(b), b.Commit(how)); err != nil {
			t.s.o.Fatal(err)
		}
		if how == pebble.NoSync {
			t.s.Log().dirty.Store(true)
		}
	}()
	late := time.NewTimer(commitTimeout)
	defer late.Stop()
	select {
	case <-done:
		return nil
	case <-late.C:
		return fmt.Errorf("%w: the disk takes more than %v", notify.ErrUnavailable, commitTimeout)
	}
}

// close waits for the commits that run, and refuses further ones.
func (t *Tickets) close() {
	for range maxCommits {
		t.commits <- struct{}{}
	}
}

// sweep removes expired tickets from time to time. Used ones are gone already.
func (t *Tickets) sweep() error {
	now, latest := t.s.o.Now(), t.latest.Load()
	if since := now.Sub(t.swept); latest == 0 || since >= 0 && since < ticketSweep {
		return nil
	}
	t.swept = now
	if latest <= now.UnixMilli() {
		t.latest.CompareAndSwap(latest, 0) // nothing is left
	}
	// A ticket expires at its time, so the bound of the range is the time after that.
	return t.s.db.DeleteRange([]byte(ticketPrefix),
		ticketKey(auth.StoredTicket{Expires: now.Add(time.Millisecond)})[:len(ticketPrefix)+8],
		pebble.NoSync)
}
