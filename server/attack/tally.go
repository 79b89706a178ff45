//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what a server did. Its methods may be called from any goroutine.
type tally struct {
	mu     sync.Mutex
	start  time.Time
	counts map[string]int
	closed int           // connections that the server closed
	open   int           // connections that it did not close
	last   time.Duration // the longest life of a closed connection
}

// begin starts the clock.
func (d *tally) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.start, d.counts = time.Now(), make(map[string]int)
}

// add counts an answer, such as a status.
func (d *tally) add(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[what]++
}

// end counts how a connection ended.
func (d *tally) end(e ending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[e.String()]++
	if e.open {
		d.open++
		return
	}
	d.closed++
	life := e.after
	if life == 0 {
		life = time.Since(d.start)
	}
	d.last = max(d.last, life)
}

// String lists what the server did, the most frequent first.
func (d *tally) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := slices.SortedFunc(maps.Keys(d.counts), func(a, b string) int {
		if d.counts[a] != d.counts[b] {
			return d.counts[b] - d.counts[a]
		}
		return strings.Compare(a, b)
	})
	const shown = 5
	var parts []string
	for _, name := range names[:min(len(names), shown)] {
		parts = append(parts, fmt.Sprintf("%s × %d", name, d.counts[name]))
	}
	if d.closed > 0 {
		parts = append(parts, fmt.Sprintf("closed after at most %.1f s", d.last.Seconds()))
	}
	return strings.Join(parts, ", ")
}

// ending is how a connection ended.
type ending struct {
	open  bool // it did not
	code  int  // of a websocket close frame, 0 for none
	err   string
	after time.Duration // from its start; 0: from that of the attack
}

func (e ending) String() string {
	switch {
	case e.open:
		return "open"
	case e.code != 0:
		return fmt.Sprintf("closed %d", e.code)
	}
	return "closed, " + e.err
}
