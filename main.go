// Command roomcast delivers the notifications of backends to Socket.IO and EventSource clients, and
// replays those that a client missed while it was disconnected.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/cli"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/server/socketio/library"
	"github.com/roomcast/roomcast/sse"
	"github.com/roomcast/roomcast/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends a drain that takes too long
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout)
	stop()
	os.Exit(cli.Report(os.Stderr, err, cli.WantsJSON(os.Args[1:])))
}

// run is the program: it runs a command, or serves until ctx is done. It writes logs and messages
// for the operator to stdout.
func run(
	ctx context.Context, args []string, lookup func(string) (string, bool), stdout io.Writer,
) error {
	invocation, err := config.Parse(args, lookup, stdout, new(cli.Commands))
	switch {
	case errors.Is(err, config.ErrHelp):
		return nil
	case invocation.Command != "" && invocation.Command != "serve":
		environment := cli.Environment{Context: ctx, Stdin: os.Stdin, Stdout: stdout,
			Stderr: os.Stderr}
		return cli.Run(environment, invocation, err)
	case err != nil:
		return err
	}
	return serve(ctx, invocation.Config, stdout)
}

// serve runs the server.
func serve(ctx context.Context, c config.Config, stdout io.Writer) error {
	log := newLogger(c, stdout)
	defer func() { _ = log.Sync() }()
	saveMemory()
	for _, warning := range c.Warnings() {
		log.Warn(warning)
	}
	keys, generated := apiKeys(c)
	authentication := c.Auth()
	authentication.Tickets = auth.NewTickets(nil)
	if c.JWTJWKSURL != "" {
		keySet, err := auth.NewKeySet(c.JWTJWKSURL, func(err error) {
			log.Warn("key set not fetched", zap.Error(err))
		})
		if err != nil {
			return err
		}
		defer keySet.Close()
		authentication.KeySet = keySet
	}
	service, err := newService(c, authentication, keys, log)
	if err != nil {
		return err
	}
	return service.Serve(ctx, c.Addr(), func(address net.Addr) {
		log.Info("listening", zap.String("address", address.String()),
			zap.String("auth_mode", string(c.Mode())))
		announce(stdout, c, address, generated)
	})
}

// saveMemory lets the heap grow by half between two collections instead of doubling: most of it are
// idle connections, which a collection does not free. GOGC sets another value.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// apiKeys returns the keys of the settings. Without any it generates one and also returns it as
// generated, to be printed.
func apiKeys(c config.Config) (keys []string, generated string) {
	for _, key := range c.APIKeys {
		keys = append(keys, string(key))
	}
	if len(keys) == 0 {
		generated = rand.Text() + rand.Text()
		keys = append(keys, generated)
	}
	return keys, generated
}

// announce prints the console's URL and, once each, the generated key: alone, and in the fragment
// of the URL, which browsers do not send.
func announce(stdout io.Writer, c config.Config, address net.Addr, key string) {
	scheme, host := "http", address.String()
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	path := "/"
	if c.UpstreamURL != "" {
		path = "/console/"
	}
	if key == "" {
		fmt.Fprintf(stdout, "\n  Console: %s://%s%s\n\n", scheme, host, path)
		return
	}
	fmt.Fprintf(stdout, "\n  API key (set API_KEYS to keep one): %s\n"+
		"  Console: %s://%s%s#key=%s\n\n", key, scheme, host, path, key)
}

// newService builds the service: one hub, both transports on it, and the API.
func newService(
	c config.Config, authentication auth.Options, keys []string, log *zap.Logger,
) (*server.Service, error) {
	authenticator, err := auth.New(authentication)
	if err != nil {
		return nil, err
	}
	history := notify.DefaultOptions()
	history.HistorySize, history.HistoryTTL = c.HistorySize, c.HistoryTTL
	history.HistoryMinAge = c.HistoryMinAge
	history.HistoryMaxBytes = int64(c.HistoryMaxBytes)
	hub := notify.New(notify.NewMemoryLog(), history)
	counts := metrics.New(hub)
	limits := limit.New(limit.Options{
		MaxConnections: c.MaxConnections, MaxStreams: c.SSEMaxConnections,
		PerUser: c.MaxConnectionsPerUser, PerIP: c.MaxConnectionsPerIP,
		AuthFailures: c.AuthFailures,
	})
	origins := c.Origins()
	options := socketio.DefaultOptions()
	options.Hub, options.Auth, options.Log = hub, authenticator, log
	options.Limits, options.Metrics = limits, counts
	options.PingInterval, options.PingTimeout = c.SocketIOPingInterval, c.SocketIOPingTimeout
	options.ConnectTimeout, options.MaxPayload = c.SocketIOConnectTimeout, int(c.SocketIOMaxPayload)
	options.CheckOrigin = func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || origins.Allow(origin, r)
	}
	options.Heartbeat, options.SweepInterval = c.SocketIOHeartbeatInterval, c.SSECleanupInterval
	options.InactiveTimeout = c.SocketIOInactive()
	options.As, options.MaxRooms = c.SocketIOAs, c.MaxRooms
	options.DefaultChannels, options.MaxNamespaces = c.DefaultChannels, c.SocketIOMaxNamespaces
	options.RateInterval, options.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	options.DisableRecovery = !c.SocketIORecovery
	socketIO, err := socketio.New(options)
	if err != nil {
		hub.Close()
		return nil, err
	}
	library.Mount(socketIO, log)
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Log = hub, limit.StreamAuth(authenticator, limits), log
	so.Tickets, so.Admit = authentication.Tickets, server.StreamAdmission(limits)
	so.Problem = edge.WriteProblem
	so.Written, so.Panicked = counts.WrittenBy("sse"), counts.Panicked
	so.Heartbeat, so.As = c.SSEHeartbeatInterval, c.SSEAs
	so.DefaultChannels, so.MaxRooms = c.DefaultChannels, c.MaxRooms
	so.RateInterval, so.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	streams, err := sse.New(so)
	if err != nil {
		hub.Close()
		return nil, err
	}
	service := server.DefaultOptions()
	service.Hub, service.SocketIO, service.Streams = hub, socketIO, streams
	service.Log, service.Metrics = log, counts
	service.Console, service.Upstream = web.Handler(), c.Upstream()
	service.SocketIOPaths = []string{c.SocketIOPath, "/api" + c.SocketIOPath}
	service.SSEPath = c.SSEPath
	service.APIKeys, service.PublishRate, service.PublishBurst = keys, c.PublishRate, c.PublishBurst
	service.Tickets, service.ConnectionUpdates = authentication.Tickets, c.ConnectionUpdates
	service.AllowOrigin, service.TrustedProxies = origins.Allow, c.TrustedProxies
	service.CertFile, service.KeyFile = c.TLSCertFile, c.TLSKeyFile
	service.Admin = server.AdminOptions{
		Addr: c.AdminAddr, Key: string(c.AdminKey), Pprof: c.Pprof(),
		Optional: !c.AdminAddrChosen(),
	}
	service.DrainTimeout, service.SweepInterval = c.DrainTimeout, c.SSECleanupInterval
	service.InactiveTimeout = c.SSEInactive()
	return server.New(service), nil
}

// newLogger returns a logger that writes to stdout, one line per entry.
func newLogger(c config.Config, stdout io.Writer) *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if c.LogFormat == "console" {
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil { // config allows only known ones
		level = zapcore.InfoLevel
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(stdout)), level))
}
