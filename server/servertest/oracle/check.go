package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Kind is a way in which the server breaks its promise.
type Kind string

// The kinds of violations.
const (
	Lost     Kind = "lost"         // acknowledged, owed to a client, not seen, and no gap covers it
	Double   Kind = "double"       // seen more than once, or acknowledged with two ids
	Disorder Kind = "out of order" // seen after a message with a higher id
	Untrue   Kind = "untrue"       // the server said something that is not so
	Foreign  Kind = "foreign"      // never sent, refused, with another id, or of another channel
)

// Violation is one broken promise.
type Violation struct {
	Kind            Kind
	Reader, Key, ID string
}

// Report is the result of a check.
type Report struct {
	Acked, Doubtful, Refused int // messages
	Readers, Seen, Gaps      int
	Violations               []Violation
}

// Of returns the number of violations of a kind.
func (r Report) Of(kind Kind) (n int) {
	for _, v := range r.Violations {
		if v.Kind == kind {
			n++
		}
	}
	return n
}

// String returns the figures, and the first violations.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d acknowledged, %d in doubt, %d refused; %d readers saw %d messages and %d "+
		"gaps: %d lost, %d double, %d out of order, %d foreign, %d untrue", r.Acked, r.Doubtful, r.Refused,
		r.Readers, r.Seen, r.Gaps, r.Of(Lost), r.Of(Double), r.Of(Disorder), r.Of(Foreign),
		r.Of(Untrue))
	for _, v := range r.Violations[:min(5, len(r.Violations))] {
		fmt.Fprintf(&b, "\n%s: %s has %s %s", v.Kind, v.Reader, v.Key, v.ID)
	}
	return b.String()
}

// Verify waits until every reader has seen the newest message of its channels, or a gap up to it,
// and fails the test if there are violations. Call it when the publishers have ended and the
// clients are still connected.
func (b *Book) Verify(t testing.TB) Report {
	t.Helper()
	for deadline := time.Now().Add(servertest.Patience); b.Behind() > 0; {
		if time.Now().After(deadline) {
			t.Errorf("%d readers never get the newest message of their channels", b.Behind())
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	report := b.Check()
	if len(report.Violations) > 0 {
		t.Error(report)
	}
	return report
}

// Behind returns the number of readers that have not yet seen the newest acknowledged message of
// one of their channels.
func (b *Book) Behind() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readers {
		if r.behind(b.newest) {
			n++
		}
	}
	return n
}

func (r *Reader) behind(newest map[string]place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, channel := range r.channels {
		if at, any := newest[channel]; any && r.owed(channel, at) && at.after(r.last) {
			return true
		}
	}
	return false
}

// Check returns what the clients received, and every violation.
func (b *Book) Check() Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	report := Report{Acked: len(b.acked), Readers: len(b.readers), Violations: b.found}
	for _, m := range b.messages {
		switch m.state {
		case doubtful:
			report.Doubtful++
		case refused:
			report.Refused++
		}
	}
	for _, r := range b.readers {
		b.checkReader(r, &report)
	}
	return report
}

// checkReader adds what a reader received to the report. The caller holds b.mu.
func (b *Book) checkReader(r *Reader, report *Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	report.Seen += len(r.seen)
	report.Gaps += len(r.gaps)
	fault := func(kind Kind, key, id string) {
		report.Violations = append(report.Violations, Violation{kind, r.name, key, id})
	}
	times := make(map[string]int, len(r.seen))
	again := map[sight]int{}
	last, gaps := place{epoch: -1}, r.gaps
	for i, s := range r.seen {
		for ; len(gaps) > 0 && gaps[0].seen == i; gaps = gaps[1:] {
			if b.Forked {
				last = place{epoch: -1}
			}
		}
		times[s.key]++
		n := times[s.key]
		if b.Renewed {
			again[s]++
			n = again[s]
		}
		switch m := b.messages[s.key]; {
		case !r.allowed(m, s):
			fault(Foreign, s.key, s.id.String())
		case n > 1:
			fault(Double, s.key, s.id.String())
		case !s.at.after(last):
			fault(Disorder, s.key, s.id.String())
		default:
			last = s.at
		}
	}
	for _, m := range b.acked {
		at := b.place(m.id)
		if times[m.key] == 0 && r.owed(m.channel, at) && !r.covered(m.channel, at) {
			fault(Lost, m.key, m.id.String())
		}
	}
}

// allowed reports whether the reader may see a message; m is nil for one that nobody sent. The
// caller holds mu.
func (r *Reader) allowed(m *message, s sight) bool {
	return m != nil && m.state != refused &&
		(m.state != acked || m.id == s.id || r.book.Renewed && m.id.Seq == s.id.Seq) &&
		slices.Contains(r.channels, m.channel)
}
