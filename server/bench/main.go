//go:build linux

// Command bench compares Roomcast with other servers on the same machine and prints tables for
// websocket and for EventSource. `make bench` runs it, within the module that it measures.
//
// Every server is a process of its own on one core, all clients are in this process on another one.
// A round measures each server once with each number of clients, so that other work of the machine
// disturbs all of them alike; a figure is the median of the rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/server/internal/bare"
	"github.com/roomcast/roomcast/server/internal/process"
)

func main() { process.Main("bench", run) }

// options are the flags.
type options struct {
	sizes    []int
	rounds   int
	duration time.Duration
	settle   time.Duration
	only     *regexp.Regexp
	against  string
	profile  string
	pin      bool
	command  string // the flags as they were given
}

// run is the program. Tables go to stdout, progress to stderr. The arguments "bare KIND" run one of
// the broadcasters that are measured, and "hook" measures the event hook, see runHook.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "bare" {
		return bare.Serve(ctx, args[1], stdout)
	}
	if len(args) > 0 && args[0] == "hook" {
		return runHook(ctx, args[1:], stdout, stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := prepare(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.profileAll(ctx); err != nil {
		return err
	}
	if err := b.measureAll(ctx); err != nil {
		return err
	}
	return b.report(stdout)
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{command: "go run ./server/bench"}
	for _, arg := range args {
		if strings.ContainsAny(arg, " |()*&;$\"'") {
			arg = "'" + arg + "'"
		}
		o.command += " " + arg
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sizes := flags.String("n", "1000,5000", "numbers of clients, separated by commas")
	flags.IntVar(&o.rounds, "rounds", 3, "measure each server so often with each number of clients")
	flags.DurationVar(&o.duration, "time", 2*time.Second, "publish this long in each of three ways")
	flags.DurationVar(&o.settle, "settle", 3*time.Second,
		"wait this long after the last client has joined, then read the memory")
	peers := flags.String("peers", ".",
		"measure the servers that the regular `expression` matches,\n"+
			"such as EventSource or bare|uWeb, and Roomcast on their transports")
	flags.StringVar(&o.against, "against", "",
		"measure another roomcast `binary` too, such as one from before a change")
	flags.StringVar(&o.profile, "profile", "",
		"write heap and CPU profiles of Roomcast to this `directory`, in runs of their own")
	flags.BoolVar(&o.pin, "pin", true, "hold the server on one core and the clients on another")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.rounds < 1 || o.duration <= 0 || o.settle < 0 {
		return o, errors.New("-rounds and -time must be positive, -settle must not be negative")
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > maxClients {
			return o, fmt.Errorf("-n %s: %q is not a number from 1 to %d", *sizes, text, maxClients)
		}
		o.sizes = append(o.sizes, n)
	}
	var err error
	if o.only, err = regexp.Compile(*peers); err != nil {
		return o, fmt.Errorf("-peers: %w", err)
	}
	return o, nil
}
