//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

const (
	hookSecret   = "a secret of the benchmark of hooks"
	hookWarmUp   = 3 * time.Second
	hookSettle   = 10 * time.Second // after the load: idle connections to the handler end in it
	hookPatience = 30 * time.Second // beyond the time of the benchmark
)

// hookOptions are the flags of "bench hook".
type hookOptions struct {
	n, rate  int
	batch    int
	duration time.Duration
	down     time.Duration
}

// runHook measures the event hook with a handler in Node: events of many clients at a rate, then
// the same while the handler is killed and started again.
func runHook(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o hookOptions
	flags := flag.NewFlagSet("bench hook", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.n, "n", 1000, "number of clients")
	flags.IntVar(&o.rate, "rate", 10_000, "events per second of all clients together")
	flags.IntVar(&o.batch, "batch", 1, "EVENTS_BATCH of the server")
	flags.DurationVar(&o.duration, "time", 20*time.Second, "time of the measurement")
	flags.DurationVar(&o.down, "down", 5*time.Second, "time without the handler, in a second phase")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.n < 1 || o.rate < 1 || o.batch < 1 || o.duration <= 0 || o.down <= 0 || flags.NArg() > 0 {
		return errors.New("-n, -rate, -batch, -time and -down must be positive, without other arguments")
	}
	if err := raiseFileLimit(2 * o.n); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, buildMinutes*time.Minute+2*o.duration+o.down+hookPatience)
	defer cancel()
	h, err := startHook(ctx, o)
	if err != nil {
		return err
	}
	defer h.stop()
	return h.run(ctx, stdout)
}

// hookBench is a server, its handler and its clients.
type hookBench struct {
	hookOptions
	directory       string
	command         process.Command // of the handler
	handler, server *process.Process
	admin           string
	clients         *hookClients
}

func startHook(ctx context.Context, o hookOptions) (h *hookBench, err error) {
	h = &hookBench{hookOptions: o}
	defer func() {
		if err != nil {
			h.stop()
		}
	}()
	if h.directory, err = os.MkdirTemp("", "roomcast-bench-"); err != nil {
		return h, err
	}
	binary, err := process.Build(ctx, h.directory)
	if err != nil {
		return h, err
	}
	module, err := process.Output(ctx, "", "go", "list", "-f", "{{.Dir}}",
		process.Module+"/server/bench")
	if err != nil {
		return h, err
	}
	h.command = process.Command{
		Args: []string{"node", "hook.mjs"}, Dir: filepath.Join(module, "peers"),
		Env: []string{"HOOK_SECRET=" + hookSecret}, Core: process.AnyCore,
	}
	if h.handler, err = process.Start(ctx, h.command); err != nil {
		return h, err
	}
	// The handler listens on the same port again.
	_, port, _ := net.SplitHostPort(h.handler.Addr)
	h.command.Env = append(h.command.Env, "HOOK_PORT="+port)
	if h.admin, err = process.FreeAddress(); err != nil {
		return h, err
	}
	command := roomcastCommand(binary)
	command.Core = process.AnyCore
	command.Env = append(command.Env, "ADMIN_ADDR="+h.admin, "HOOK_SECRET="+hookSecret,
		"EVENTS_URL=http://"+h.handler.Addr+"/", "LOG_LEVEL=error",
		"EVENTS_BATCH="+strconv.Itoa(h.batch))
	if h.server, err = process.Start(ctx, command); err != nil {
		return h, err
	}
	h.clients, err = dialHookClients(ctx, h.server.Addr, o.n)
	return h, err
}

func (h *hookBench) stop() {
	if h.clients != nil {
		h.clients.close()
	}
	for _, p := range []*process.Process{h.server, h.handler} {
		if p != nil {
			p.Stop()
		}
	}
	_ = os.RemoveAll(h.directory)
}

func (h *hookBench) run(ctx context.Context, stdout io.Writer) error {
	stopSending := h.clients.send(h.rate)
	defer stopSending()
	if err := wait(ctx, hookWarmUp); err != nil {
		return err
	}
	before, err := h.look(ctx)
	if err != nil {
		return err
	}
	h.clients.reset()
	start := time.Now()
	if err := wait(ctx, h.duration); err != nil {
		return err
	}
	steady := h.clients.reset()
	took := time.Since(start)
	after, err := h.look(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d clients, %d events/s for %s:\n\n| | |\n| --- | --- |\n",
		h.n, h.rate, h.duration)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(stdout, "| %s | %s |\n", name, fmt.Sprintf(format, values...))
	}
	row("acknowledged per second", "%.0f", float64(steady.ok)/took.Seconds())
	row("unavailable, or out of order at the client", "%d, %d", steady.unavailable, steady.disorder)
	row("from emit to acknowledgement, p50 / p99 / max, ms", "%.1f / %.1f / %.1f",
		steady.quantile(.5), steady.quantile(.99), steady.quantile(1))
	row("processor time per event, server / handler, µs", "%.0f / %.0f",
		perEvent(before.server, after.server, steady.ok), perEvent(before.handler, after.handler, steady.ok))
	row("out of order, or with a wrong signature, at the handler", "%d, %d", after.Disorder, after.Forged)
	row("memory before / after, MB", "%d / %d", before.resident>>20, after.resident>>20)
	return h.fault(ctx, row, after)
}

// fault kills the handler and starts it again, while the clients go on.
func (h *hookBench) fault(
	ctx context.Context, row func(string, string, ...any), before look,
) (err error) {
	h.handler.Stop()
	h.clients.reset()
	if err := wait(ctx, h.down); err != nil {
		return err
	}
	down := h.clients.reset()
	if h.handler, err = process.Start(ctx, h.command); err != nil {
		return err
	}
	back := time.Now()
	if err := wait(ctx, h.duration/2); err != nil {
		return err
	}
	again := h.clients.reset()
	healed := max(0, again.lastUnavailable.Sub(back))
	h.clients.pause()
	if err := h.clients.settle(ctx); err != nil {
		return err
	}
	if err := wait(ctx, hookSettle); err != nil {
		return err
	}
	after, err := h.look(ctx)
	if err != nil {
		return err
	}
	row("while the handler is dead: unavailable / acknowledged", "%d / %d", down.unavailable, down.ok)
	row("last `unavailable` after it is back, ms", "%d", healed.Milliseconds())
	row("acknowledged after it is back", "%d", again.ok)
	row("goroutines, descriptors, MB: under load", "%d, %d, %d", before.goroutines, before.files,
		before.resident>>20)
	row("goroutines, descriptors, MB: idle, after all", "%d, %d, %d", after.goroutines, after.files,
		after.resident>>20)
	row("out of order at the handler after it is back", "%d", after.Disorder)
	return nil
}
