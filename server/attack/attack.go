//go:build linux

package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Attack is one way to harm a server.
type Attack struct {
	Name     string
	Row      string   // in docs/security.md, or a kind without a number there
	Settings []string // of the server, besides those of all servers
	TLS      bool     // the server has a certificate
	Files    int      // that the server may open; 0: as many as this process
	Figure   Figure
	// Run attacks until it is done or ctx ends, and closes what it has opened. It notes in t.did
	// what the server did, and in t.broken each promise that the server broke. An error says that
	// the attack did not take place.
	Run func(ctx context.Context, t *target) error
}

// Figure is what an attack may cost. A zero is no limit, except for Others.
type Figure struct {
	Growth     int64         // bytes of resident memory above those before the attack
	Peak       int64         // bytes of resident memory in all
	CPU        float64       // cores that the server uses, on average over the attack
	PerRequest time.Duration // processor time of the server for each request of the attack
	Closed     time.Duration // the longest life of a connection of the attack
	// Others is the p99 of the other clients, besides the noise of the machine. 0: twice the p99
	// without an attack, or calm.
	Others  time.Duration
	Sheds   bool   // publishes for the others may be refused
	Promise string // what Run checks
}

// calm is the p99 of the other clients that is no harm, whatever it was without an attack. It is
// far above an idle server's, because attackers, server and clients share the cores of one machine.
const calm = 100 * time.Millisecond

// String returns the figure as the table shows it.
func (f Figure) String() string {
	var parts []string
	add := func(set bool, format string, args ...any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(f.Growth > 0, "RSS + %s", megabytes(f.Growth))
	add(f.Peak > 0, "RSS ≤ %s", megabytes(f.Peak))
	add(f.CPU > 0, "CPU ≤ %.0f %%", 100*f.CPU)
	add(f.PerRequest > 0, "≤ %v a request", f.PerRequest)
	add(f.Closed > 0, "closed ≤ %v", f.Closed)
	add(f.Others > 0, "p99 ≤ %v", f.Others)
	add(f.Sheds, "503 allowed")
	add(f.Promise != "", "%s", f.Promise)
	return strings.Join(parts, ", ")
}

// attacks lists all attacks in the order of the table.
func attacks() []Attack {
	return slices.Concat(
		valueAttacks, shareAttacks, deafAttacks, floodAttacks, connectAttacks, slowAttacks,
		publishAttacks, apiAttacks, streamAttacks, http2Attacks,
	)
}

func choose(all []Attack, only *regexp.Regexp) []Attack {
	return slices.DeleteFunc(all, func(a Attack) bool {
		return !only.MatchString(a.Name) && !only.MatchString(a.Row)
	})
}
