//go:build linux

// Command attack runs known attacks against a Roomcast binary and prints what each of them costs.
// `make attack` runs it, within the module that it attacks.
//
// Each attack has a server of its own, a child process on loopback, and 50 clients in another
// process that behave well and get 20 messages a second. The table says what the server needed, how
// late the messages of these clients were, and whether this is within the figure of the attack.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

func main() { process.Main("attack", run) }

// errFailed is the error of a run in which an attack was not within its figure.
var errFailed = errors.New("some attacks are not within their figures")

// options are the flags.
type options struct {
	binary string
	only   *regexp.Regexp
	short  bool
	list   bool
}

// run is the program. The table goes to stdout, progress to stderr. The arguments "crowd URL"
// run the clients that behave well.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "crowd" {
		return runCrowd(ctx, args[1], os.Stdin, stdout)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	files, err := process.RaiseFileLimit()
	if err != nil {
		return err
	}
	chosen := choose(attacks(), o.only)
	switch {
	case len(chosen) == 0:
		return fmt.Errorf("-run %s matches no attack; -list prints them", o.only)
	case o.list:
		return printList(stdout, chosen)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "roomcast-attack-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	if o.binary, err = chooseBinary(ctx, o.binary, directory); err != nil {
		return err
	}
	certificate, err := makeCertificate(directory)
	if err != nil {
		return err
	}
	r := &runner{options: o, self: self, directory: directory, files: files, certificate: certificate}
	results := make([]result, 0, len(chosen))
	for i, a := range chosen {
		start := time.Now()
		fmt.Fprintf(stderr, "%d of %d, %s: ", i+1, len(chosen), a.Name)
		result := r.attack(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(stderr, "%s, in %.0f s\n", result.verdict(), time.Since(start).Seconds())
		results = append(results, result)
	}
	return report(stdout, results)
}

// chooseBinary returns the program to attack: the one given, else one built from the present tree.
func chooseBinary(ctx context.Context, given, directory string) (string, error) {
	if given != "" {
		return exec.LookPath(given)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return process.Build(ctx, directory)
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.binary, "binary", "",
		"attack this roomcast `binary`, such as one from before a change")
	only := flags.String("run", ".",
		"run the attacks whose name or row the regular `expression` matches")
	flags.BoolVar(&o.short, "short", false, "attack with a tenth of the clients, for less time")
	flags.BoolVar(&o.list, "list", false, "print the names, rows and figures of the attacks")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-run: %w", err)
	}
	return o, nil
}
