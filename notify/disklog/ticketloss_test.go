package disklog

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Of a restored backup nobody knows which tickets were used after it.
func TestBackupHasNoTickets(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"always": 0, "interval": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := func(o *Options) { o.SyncInterval = interval }
			s := open(t, t.TempDir(), change)
			save(t, s, ticketFor(1, time.Now().Add(time.Hour)))
			dir, _, err := s.Backup()
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), "copy")
			if err := MoveBackup(dir, copied); err != nil {
				t.Fatal(err)
			}
			if got := numbers(s); len(got) != 1 {
				t.Errorf("the backup has changed the store: %v", got)
			}
			closed(t, s)
			s = open(t, copied, change)
			defer closed(t, s)
			if got := numbers(s); len(got) > 0 {
				t.Errorf("the restored backup has %v", got)
			}
		})
	}
}

// When the end of the log is lost, what says which tickets were used can be lost with it.
func TestLostEndHasNoTickets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	follow(s.Log())
	add(t, s.Log(), 1, 3, "a")
	save(t, s, ticketFor(1, time.Now().Add(time.Hour)))
	head := s.Log().Head()
	head.Seq++
	if err := s.mark.set(head); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	s = open(t, dir, nil)
	defer closed(t, s)
	if got := numbers(s); len(got) > 0 || s.Log().Head().Epoch == head.Epoch {
		t.Errorf("tickets %v, epoch %x", got, s.Log().Head().Epoch)
	}
}

// Tickets that cannot be read are dropped, and the others with them: nobody knows which were used.
func TestDamagedTickets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	save(t, s, ticketFor(1, time.Now().Add(time.Hour)))
	if err := s.db.Set([]byte(ticketPrefix+"short"), []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	f, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c, damage := check(t, f); c.Tickets != 2 || len(damage) != 1 || damage[0] != "ticket 2 is damaged" {
		t.Errorf("%+v, %q", c, damage)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	defer closed(t, s)
	for range 2 {
		if got := numbers(s); len(got) > 0 {
			t.Errorf("tickets %v", got)
		}
	}
}

// Of many redemptions of one ticket in one store, one is accepted, and the next process accepts
// none.
func TestTicketsAreRedeemedOnce(t *testing.T) {
	t.Parallel()
	next := processes(t, nil)
	tickets := auth.NewStoredTickets(next().Tickets(), nil)
	value, _, err := tickets.Issue("alice", "", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	accepted := func() (n int32) {
		a, err := auth.New(auth.Options{Mode: auth.ModeTicket, Tickets: tickets})
		if err != nil {
			t.Fatal(err)
		}
		var count atomic.Int32
		done := make(chan struct{})
		for range 50 {
			go func() {
				_, err := a.Authenticate(context.Background(), auth.Credentials{Ticket: value}, auth.EventSource)
				if err == nil {
					count.Add(1)
				}
				done <- struct{}{}
			}()
		}
		for range 50 {
			<-done
		}
		return count.Load()
	}
	tickets = auth.NewStoredTickets(next().Tickets(), nil)
	if n := accepted(); n != 1 {
		t.Errorf("%d are accepted", n)
	}
	tickets = auth.NewStoredTickets(next().Tickets(), nil)
	if n := accepted(); n != 0 {
		t.Errorf("the next process accepts %d", n)
	}
}
