//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/roomcast/roomcast/server/internal/load"
	"github.com/roomcast/roomcast/server/internal/process"
)

const (
	// inBurst is how many notifications one request of a burst publishes.
	inBurst = 20
	// underWay is how many notifications of a steady stream are under way: as many backends publish
	// one after the other.
	underWay = 4
	// joinDeadline, for each client, and phaseDeadline, beyond the time of a phase, end a trial
	// that makes no progress.
	joinDeadline  = 10 * time.Millisecond
	phaseDeadline = 30 * time.Second
	// busyClients is the share of their core above which the clients are the limit, not the server.
	busyClients = 0.9
)

// errNotStarted is the error of a server that does not run here.
var errNotStarted = errors.New("did not start")

// measureAll runs all rounds. A server that does not start is left out, one that fails later has no
// figures where it failed. The error is that of the context, or of a Roomcast that does not start.
func (b *bench) measureAll(ctx context.Context) error {
	for round := range b.rounds {
		for _, n := range b.sizes {
			first := round % len(b.peers) // another one in each round
			for _, p := range slices.Concat(b.peers[first:], b.peers[:first]) {
				start := time.Now()
				f, err := b.measure(ctx, p, n)
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case errors.Is(err, errNotStarted) && p.name == roomcast:
					return err
				case errors.Is(err, errNotStarted):
					b.note("%s is left out: %v", p, err)
					b.remove(p)
					continue
				case err != nil:
					b.note("%s, round %d: %v", at(p, n), round+1, err)
				}
				b.results.add(p.String(), n, f)
				fmt.Fprintf(b.progress, "round %d of %d, %s: %s, in %.0f s\n",
					round+1, b.rounds, at(p, n), f, time.Since(start).Seconds())
			}
		}
	}
	return nil
}

func (b *bench) remove(p peer) {
	same := func(other peer) bool { return other.String() == p.String() }
	b.peers = slices.DeleteFunc(b.peers, same)
}

// at names a peer with so many clients.
func at(p peer, n int) string { return fmt.Sprintf("%s, N = %s", p, count(n)) }

// trial is a server with its clients during one measurement.
type trial struct {
	*bench
	server *process.Process
	fleet  *load.Fleet
	peer   peer
	n      int
}

// start starts a server, with settings besides those of its command. stop must be called.
func (b *bench) start(ctx context.Context, p peer, n int, settings ...string) (*trial, error) {
	command := p.command
	command.Core = b.serverCore
	command.Env = slices.Concat(command.Env, settings)
	server, err := process.Start(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotStarted, err)
	}
	fleet, err := load.New(server.Addr, p.clients)
	if err != nil {
		server.Stop()
		return nil, err
	}
	return &trial{bench: b, server: server, fleet: fleet, peer: p, n: n}, nil
}

func (t *trial) stop() {
	t.server.Stop()
	t.fleet.Close()
}

// measure takes all figures of a server with n clients. Those that it could not take are NaN, and
// the error says why.
func (b *bench) measure(ctx context.Context, p peer, n int) (figures, error) {
	f := none()
	t, err := b.start(ctx, p, n)
	if err != nil {
		return f, err
	}
	defer t.stop()
	if err := t.join(ctx, &f); err != nil {
		return f, err
	}
	return f, t.deliver(ctx, &f)
}

// join takes the figures of connecting and of being connected.
func (t *trial) join(ctx context.Context, f *figures) error {
	ctx, cancel := context.WithTimeout(ctx, phaseDeadline+time.Duration(t.n)*joinDeadline+t.settle)
	defer cancel()
	before, err := t.server.Resident()
	if err != nil {
		return err
	}
	used, err := used(t.server.CPU, func() error { return t.fleet.Join(ctx, t.n) })
	if err != nil {
		return err
	}
	f[perHandshake] = microseconds(used) / float64(t.n)
	if err := t.fleet.Idle(ctx, t.settle); err != nil {
		return err
	}
	after, err := t.server.Resident()
	if err != nil {
		return err
	}
	f[perClient] = float64(after-before) / 1024 / float64(t.n)
	return nil
}

// deliver takes the figures of publishing in three ways.
func (t *trial) deliver(ctx context.Context, f *figures) error {
	// Compilers that look at a running program need some time before they are done.
	if _, err := t.publish(ctx, t.pattern(1, 1), t.duration/4); err != nil {
		return err
	}
	for _, way := range []struct {
		name      string
		pattern   load.Pattern
		cpu, rate figure
	}{
		{"one at a time", t.pattern(1, 1), perDelivery, noFigure},
		{"steady", t.pattern(1, underWay), perSteady, steadyRate},
		{"in bursts", t.pattern(inBurst, 1), perBurst, burstRate},
	} {
		p, err := t.publish(ctx, way.pattern, t.duration)
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		f[way.cpu] = microseconds(p.server) / float64(p.deliveries)
		if way.rate == noFigure { // server and clients wait for each other, so it says little
			continue
		}
		f[way.rate] = float64(p.deliveries) / p.took.Seconds() / 1000
		if share := p.clients.Seconds() / p.took.Seconds(); share > busyClients {
			t.note("%s, %s: the clients were the limit, not the server", at(t.peer, t.n), way.name)
		}
	}
	return nil
}

// phase is the cost of publishing for some time.
type phase struct {
	deliveries      int64
	took            time.Duration
	server, clients time.Duration // processor time
}

func (t *trial) publish(
	ctx context.Context, pattern load.Pattern, d time.Duration,
) (p phase, err error) {
	ctx, cancel := context.WithTimeout(ctx, d+phaseDeadline)
	defer cancel()
	p.server, err = used(t.server.CPU, func() (err error) {
		p.clients, err = used(process.OwnCPU, func() (err error) {
			p.deliveries, p.took, err = t.fleet.Run(ctx, pattern, d)
			return err
		})
		return err
	})
	return p, err
}

func (t *trial) pattern(notes, underWay int) load.Pattern {
	request := t.peer.publish(t.server.Addr, notes)
	return load.Pattern{Request: request, Notes: notes, UnderWay: underWay}
}

// used returns by how much a clock of processor time advances during do.
func used(clock func() (time.Duration, error), do func() error) (time.Duration, error) {
	before, err := clock()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := clock()
	return after - before, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// none has no figure yet.
func none() (f figures) {
	for i := range f {
		f[i] = math.NaN()
	}
	return f
}
