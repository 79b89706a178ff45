// Command roomcast delivers the notifications of backends to Socket.IO and EventSource clients, and
// replays those that a client missed while it was disconnected.
package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/cli"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/systemd"
)

// signalTwice is how long after a signal another one counts as the same.
const signalTwice = 250 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends a drain that takes too long. Some programs send the first one twice, to the
	// process and to its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(signalTwice, stop) })
	err := run(ctx, os.Args[1:], environment{
		lookup: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr,
		terminal: cli.IsTerminal(os.Stderr), hangups: hangups,
	})
	stop()
	os.Exit(cli.Report(os.Stderr, err, cli.WantsJSON(os.Args[1:])))
}

// environment is the part of the process that run uses.
type environment struct {
	lookup   func(string) (string, bool) // of environment variables
	stdout   io.Writer                   // the log, and the output of commands
	stderr   io.Writer                   // notes for the operator
	terminal bool                        // a person reads stderr
	// hangups returns a channel that gets requests to read the settings again, true in it, and the
	// end of the terminal, false in it. nil: there are none.
	hangups func(context.Context) <-chan bool
	looks   <-chan time.Time // when to look at the files of secrets; nil: every secretInterval
}

// run is the program: it runs a command, or serves until ctx is done.
func run(ctx context.Context, args []string, e environment) error {
	if len(args) == 1 { // what people and package managers try first
		args = []string{cmp.Or(map[string]string{"--version": "version", "help": "--help"}[args[0]], args[0])}
	}
	invocation, err := config.Parse(args, e.lookup, e.stdout, new(cli.Commands))
	switch {
	case errors.Is(err, config.ErrHelp):
		return nil
	case invocation.Command != "" && invocation.Command != "serve":
		environment := cli.Environment{Context: ctx, Stdin: os.Stdin, Stdout: e.stdout,
			Stderr: e.stderr}
		return cli.Run(environment, invocation, err)
	case err != nil:
		return err
	}
	return serve(ctx, invocation.Config, e, invocation.Again)
}

// serve runs the server. again reads the settings from their sources.
func serve(
	ctx context.Context, c config.Config, e environment, again func() (config.Config, error),
) error {
	outliveReaders()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var requests <-chan bool // nil: none
	if e.hangups != nil {
		requests = e.hangups(ctx) // first, because SIGHUP ends a process that does not ask for it
	}
	logs, err := newLogs(c, e.stdout)
	if err != nil {
		return err
	}
	defer logs.close()
	log := logs.log
	version, revision := cli.BuildVersion()
	source := zap.Skip()
	if revision != "" {
		source = zap.String("revision", revision)
	}
	log.Info("starting", zap.String("version", version), source)
	saveMemory(log)
	supervisor, err := newSupervisor(e, log)
	if err != nil {
		return err
	}
	inherited, err := systemd.Listeners(e.lookup, httpSocket, adminSocket)
	if err != nil {
		return err
	}
	defer closeAll(inherited) // also after an error before the service has them
	if c, err = inherit(c, inherited); err != nil {
		return err
	}
	for _, warning := range c.Warnings() {
		log.Warn(warning)
	}
	var keySet *auth.KeySet
	if c.JWTJWKSURL != "" {
		var err error
		if keySet, err = auth.NewKeySet(string(c.JWTJWKSURL), func(err error) {
			log.Warn("key set not fetched", zap.Error(err))
		}); err != nil {
			return err
		}
		defer keySet.Close()
	}
	tracer, err := openTraces(c, e.lookup, version, log)
	if err != nil {
		return err
	}
	if tracer != nil {
		defer tracer.Close()
	}
	store, err := openStore(c, log)
	if err != nil {
		return err
	}
	if store != nil {
		defer func() {
			if err := store.Close(); err != nil {
				log.Error("the data directory was not closed", zap.Error(err))
			}
		}()
	}
	shared, err := openCluster(c, log)
	if err != nil {
		return err
	}
	if shared != nil {
		defer shared.close()
	}
	p, err := newInstance(c, storage{store, shared}, inherited, keySet, tracer, logs)
	if err != nil {
		return err
	}
	p.supervisor = supervisor
	ended := make(chan struct{})
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	var refused error // by what the nodes share
	if shared != nil {
		background.Go(func() {
			if refused = shared.check(ctx); refused != nil {
				stop()
			}
		})
	}
	err = p.service.Serve(ctx, c.Addr(), func(address net.Addr) {
		p.address = address
		p.announce(e) // before the line for which programs that start this one wait
		log.Info("listening", zap.String("address", address.String()),
			zap.String("auth_mode", string(c.Mode())))
		background.Go(func() { supervisor.watch(ctx, ended, p) })
		background.Go(func() { p.reloads(ctx, stop, requests, e, again) })
	})
	close(ended)
	stop()
	background.Wait()
	return errors.Join(refused, err)
}

// saveMemory lets the heap grow by half between two collections instead of doubling: most of it are
// idle connections, which a collection does not free. GOGC sets another value. In a cgroup with a
// limit it sets the limit of the Go runtime too.
func saveMemory(log *zap.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if bytes := limit.SetSoftLimit(); bytes > 0 {
		log.Info("GOMEMLIMIT is not set, and is now 80 % of the cgroup's limit",
			zap.Int64("bytes", bytes))
	}
}
