// Command roomcast delivers the notifications of backends to Socket.IO and EventSource clients, and
// replays those that a client missed while it was disconnected.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/acme"
	"github.com/roomcast/roomcast/server/cli"
	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/server/socketio/library"
	"github.com/roomcast/roomcast/server/systemd"
	"github.com/roomcast/roomcast/sse"
	"github.com/roomcast/roomcast/web"
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
		terminal: isTerminal(os.Stderr), hangups: hangups,
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
}

// run is the program: it runs a command, or serves until ctx is done.
func run(ctx context.Context, args []string, e environment) error {
	read := func(help io.Writer) (config.Invocation, error) {
		return config.Parse(args, e.lookup, help, new(cli.Commands))
	}
	invocation, err := read(e.stdout)
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
	return serve(ctx, invocation.Config, e, func() (config.Config, error) {
		again, err := read(io.Discard)
		return again.Config, err
	})
}

// serve runs the server. again reads the settings from their sources.
func serve(
	ctx context.Context, c config.Config, e environment, again func() (config.Config, error),
) error {
	logs := newLogs(c, e.stdout)
	log := logs.log
	defer func() { _ = log.Sync() }()
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
	ctx, stop := context.WithCancel(ctx)
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
	var requests <-chan bool // nil: none
	if e.hangups != nil {
		requests = e.hangups(ctx) // before anybody can take the server for ready and send one
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

// newService builds the service: one hub, both transports on it, and the API.
func (p *instance) newService() (*server.Service, error) {
	c, log := p.config, p.log
	hub, counts := p.hub, p.counts
	options := c.SocketIO()
	options.Hub, options.Auth, options.Log = hub, p.authenticator, log
	passes, err := p.forwarder()
	if err != nil {
		return nil, err
	}
	if p.shared != nil {
		options.Peers = p.shared.peers
	}
	if passes != nil {
		options.Tag, options.Foreign = passes.Tag, passes.Forward
	}
	options.Limits, options.Metrics = p.limits, counts
	options.PingInterval, options.PingTimeout = c.SocketIOPingInterval, c.SocketIOPingTimeout
	options.ConnectTimeout, options.MaxPayload = c.SocketIOConnectTimeout, int(c.SocketIOMaxPayload)
	options.ReceiveRate = int(c.SocketIOReceiveRate)
	options.CheckOrigin = func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || p.allow(origin, r)
	}
	options.Gate = server.Gate(p.gate, log)
	options.Heartbeat, options.SweepInterval = c.SocketIOHeartbeatInterval, c.SSECleanupInterval
	options.InactiveTimeout = c.SocketIOInactive()
	options.As, options.MaxRooms = c.SocketIOAs, c.MaxRooms
	options.DefaultChannels, options.MaxNamespaces = c.DefaultChannels, c.SocketIOMaxNamespaces
	options.RateInterval, options.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	options.DisableRecovery, options.DisableBuiltins = !c.SocketIORecovery, !c.SocketIOBuiltins
	socketIO, err := socketio.New(options)
	if err != nil {
		return nil, err
	}
	if len(c.EventsURL) > 0 {
		hook := p.hooks.EventHook(hub)
		socketIO.Mount(hook, hook.Serves)
	}
	library.Mount(socketIO, log)
	socketIO.JoinCluster()
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Log = hub, limit.StreamAuth(p.authenticator, p.limits), log
	so.Tickets, so.Admit = p.tickets, server.StreamAdmission(p.limits)
	so.Gate = options.Gate
	so.Problem, so.Overloaded = edge.WriteProblem, edge.NoteRefusal
	so.Address = server.StreamAddress
	so.Written, so.Panicked = counts.WrittenBy("sse"), counts.Panicked
	so.Heartbeat, so.As = c.SSEHeartbeatInterval, c.SSEAs
	so.DefaultChannels, so.MaxRooms = c.DefaultChannels, c.MaxRooms
	so.RateInterval, so.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	so.Tag = options.Tag
	streams, err := sse.New(so)
	if err != nil {
		return nil, err
	}
	service := server.DefaultOptions()
	service.Hub, service.SocketIO, service.Streams = hub, socketIO, streams
	service.Forward = passes
	service.Log, service.Metrics = log, counts
	service.Console, service.Upstream = web.Handler(), c.Upstream()
	service.SocketIOPaths = []string{c.SocketIOPath, "/api" + c.SocketIOPath}
	service.SSEPath, service.SocketMode = c.SSEPath, c.FileMode()
	if service.ClientFiles, err = clientfiles.Open(c.SocketIOClient); err != nil {
		hub.Close()
		return nil, err
	}
	service.Audit = p.audit
	if p.tracer != nil {
		service.Tracer = p.tracer
	}
	service.Tickets, service.KeySet = p.tickets, p.keySet
	if p.shared != nil {
		service.Bus = p.shared.bus
	}
	if p.hooks != nil {
		service.Hooks = p.hooks
	}
	service.ConnectionUpdates = c.ConnectionUpdates
	service.AllowOrigin, service.TrustedProxies = p.allow, c.TrustedProxies
	if c.Mode() == auth.ModeOpen && c.Loopback() {
		service.AllowHost = func(host string) bool { return p.origins.Load().AllowHost(host) }
	}
	service.Stored = p.outlives()
	service.Descriptors, service.Memory = p.files, p.memory
	service.Listener = p.inherited[httpSocket]
	service.Admin = server.AdminOptions{
		Addr: c.AdminAddr, Listener: p.inherited[adminSocket], Pprof: c.Pprof(), Optional: !c.AdminAddrChosen(),
	}
	if p.store != nil {
		service.Admin.Backup = p.store.Backup
	}
	service.SweepInterval, service.InactiveTimeout = c.SSECleanupInterval, c.SSEInactive()
	if err := p.reloadable(&service, c); err != nil {
		return nil, err
	}
	if len(c.ACMEDomains) > 0 {
		o := c.ACME()
		o.Log = log.Named("acme")
		service.Certificates, service.PlainAddr = acme.New(o), c.ACMEHTTPAddr
	}
	service.Answers = p.answers()
	if len(c.WebhookURLs) > 0 {
		webhooks, err := p.hooks.Webhooks(hub)
		if err != nil {
			return nil, err
		}
		counts.WatchReceivers(webhooks.Stats)
		service.Webhooks = webhooks
	}
	return server.New(service), nil
}

// newHooks returns the hooks, or nil if the settings have none.
func (p *instance) newHooks() (*hooks.Hooks, error) {
	o := p.config.Hooks()
	if p.store != nil {
		if err := keepQueues(p.store, o.Webhooks.URLs); err != nil {
			return nil, err
		}
	}
	if len(o.Events.URLs) == 0 && o.Connects.URL == "" && len(o.Webhooks.URLs) == 0 {
		return nil, nil
	}
	o.Log, o.Metrics = p.log, p.counts
	if p.tracer != nil {
		o.Tracer = p.tracer
	}
	if p.store != nil {
		o.Webhooks.Store = func(url string) hooks.EventStore { return p.store.Queue(queueName(url)) }
	}
	return hooks.New(o)
}
