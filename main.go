// Command roomcast keeps browsers up to date: what a backend posts reaches
// Socket.IO and EventSource clients, and what they missed while away is replayed.
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

// run is the program: it runs a command, or serves until ctx is done. Logs and
// what the operator is told go to stdout.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout io.Writer) error {
	invocation, err := config.Parse(args, lookup, stdout, new(cli.Commands))
	switch {
	case errors.Is(err, config.ErrHelp):
		return nil
	case invocation.Command != "" && invocation.Command != "serve":
		environment := cli.Environment{Context: ctx, Stdin: os.Stdin, Stdout: stdout, Stderr: os.Stderr}
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
		keySet, err := auth.NewKeySet(c.JWTJWKSURL, func(err error) { log.Warn("the key set was not fetched", zap.Error(err)) })
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
		log.Info("listening", zap.String("address", address.String()), zap.String("auth_mode", string(c.Mode())))
		announce(stdout, c, address, generated)
	})
}

// saveMemory lets the heap grow by half between two collections, not to its double: most of it are idle connections,
// which a collection does not free. GOGC chooses another value.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// apiKeys are the keys of the settings, or a random one, which is then returned
// a second time to be shown.
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

// announce shows the console's address and the generated key, if there is one, once: alone, and in the fragment of the
// address, which browsers do not send.
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
	fmt.Fprintf(stdout, "\n  API key (set API_KEYS to keep one): %s\n  Console: %s://%s%s#key=%s\n\n", key, scheme, host, path, key)
}

// newService joins the parts: one hub, both transports on it, the API in front.
func newService(c config.Config, authentication auth.Options, keys []string, log *zap.Logger) (*server.Service, error) {
	authenticator, err := auth.New(authentication)
	if err != nil {
		return nil, err
	}
	history := notify.DefaultOptions()
	history.HistorySize, history.HistoryTTL, history.HistoryMaxBytes = c.HistorySize, c.HistoryTTL, int64(c.HistoryMaxBytes)
	hub := notify.New(notify.NewMemoryLog(), history)
	counts := metrics.New(hub)
	limits := limit.New(limit.Options{
		MaxConnections: c.MaxConnections, MaxStreams: c.SSEMaxConnections,
		PerUser: c.MaxConnectionsPerUser, PerIP: c.MaxConnectionsPerIP, AuthFailures: c.AuthFailures,
	})
	origins := c.Origins()
	options := socketio.DefaultOptions()
	options.Hub, options.Auth, options.Log, options.Limits, options.Metrics = hub, authenticator, log, limits, counts
	options.PingInterval, options.PingTimeout = c.SocketIOPingInterval, c.SocketIOPingTimeout
	options.ConnectTimeout, options.MaxPayload = c.SocketIOConnectTimeout, int(c.SocketIOMaxPayload)
	options.CheckOrigin = func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || origins.Allow(origin, r)
	}
	options.Heartbeat, options.SweepInterval = c.SocketIOHeartbeatInterval, c.SSECleanupInterval
	options.InactiveTimeout = c.SocketIOInactive()
	options.As, options.DefaultChannels, options.MaxRooms = c.SocketIOAs, c.DefaultChannels, c.MaxRooms
	options.RateInterval, options.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	options.DisableRecovery = !c.SocketIORecovery
	socketIO, err := socketio.New(options)
	if err != nil {
		hub.Close()
		return nil, err
	}
	library.Mount(socketIO, log)
	streams := sse.New(sse.Options{
		Hub: hub, Auth: limit.StreamAuth(authenticator, limits), Tickets: authentication.Tickets, Log: log, Admit: server.StreamAdmission(limits), Problem: edge.WriteProblem,
		Written: counts.WrittenBy("sse"), Heartbeat: c.SSEHeartbeatInterval, As: c.SSEAs, DefaultChannels: c.DefaultChannels, MaxRooms: c.MaxRooms,
		RateInterval: c.RateLimitInterval, RateBurst: c.RateLimitBurst,
	})
	return server.New(server.Options{
		Hub: hub, SocketIO: socketIO, Streams: streams, Console: web.Handler(), Upstream: c.Upstream(), Log: log,
		SocketIOPaths: []string{c.SocketIOPath, "/api" + c.SocketIOPath}, SSEPath: c.SSEPath,
		APIKeys: keys, PublishRate: c.PublishRate, PublishBurst: c.PublishBurst, Tickets: authentication.Tickets,
		AllowOrigin: origins.Allow, TrustedProxies: c.TrustedProxies, ConnectionUpdates: c.ConnectionUpdates,
		CertFile: c.TLSCertFile, KeyFile: c.TLSKeyFile,
		Metrics: counts, Admin: server.AdminOptions{
			Addr: c.AdminAddr, Key: string(c.AdminKey), Pprof: c.Pprof(), Optional: !c.AdminAddrChosen(),
		},
		DrainTimeout: c.DrainTimeout, SweepInterval: c.SSECleanupInterval, InactiveTimeout: c.SSEInactive(),
	}), nil
}

// newLogger writes to stdout, one line an entry.
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
