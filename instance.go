package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/adminui"
	"github.com/roomcast/roomcast/server/cli"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/traces"
)

// ownFiles is an estimate of the files and sockets that a server opens besides its connections:
// listeners, watchers, and those of a reload.
const ownFiles = 12

// instance is a server that runs, with the parts that a reload changes.
type instance struct {
	config config.Config
	logs
	storage
	tickets *auth.Tickets
	keySet  *auth.KeySet   // nil without JWT_JWKS_URL
	tracer  *traces.Tracer // nil without TRACES

	hub         *notify.Hub
	counts      *metrics.Metrics
	hooks       *hooks.Hooks // nil without EVENTS_URL, CONNECT_URL and WEBHOOK_URLS
	connectHook auth.Hook    // nil except in hook mode
	adminUI     *adminui.UI  // nil with ADMIN_UI=off

	authenticator *auth.Authenticator
	files         *limit.Descriptors
	memory        *limit.Memory
	limits        *limit.Limiter
	gate          *limit.Gate
	origins       atomic.Pointer[config.Origins]
	service       *server.Service
	supervisor    *supervisor
	inherited     map[string]net.Listener // sockets of systemd, by name

	generated string   // the API key, when the settings have none
	address   net.Addr // of the listener
}

func newInstance(
	c config.Config, s storage, inherited map[string]net.Listener, keySet *auth.KeySet,
	tracer *traces.Tracer, logs logs,
) (p *instance, err error) {
	p = &instance{config: c, logs: logs, storage: s,
		keySet: keySet, tracer: tracer, inherited: inherited}
	p.tickets, p.hub = s.newTickets(), s.newHub(c, tracer)
	defer func() {
		if err != nil {
			p.hub.Close()
		}
	}()
	p.counts = metrics.New(p.hub)
	if s.shared == nil && s.store != nil {
		p.counts.WatchStorage(s.store.Log().Size, s.store.Log().Losses)
	}
	if s.shared != nil {
		p.counts.WatchCluster(s.shared.state)
	}
	p.counts.SetBuild(cli.BuildVersion())
	if tracer != nil {
		p.counts.WatchTraces(tracer.Counts)
	}
	if p.hooks, err = p.newHooks(); err != nil {
		return nil, err
	}
	if c.Mode() == auth.ModeHook {
		p.connectHook = p.hooks.ConnectHook()
	}
	if p.authenticator, err = auth.New(p.authOptions(c)); err != nil {
		return nil, err
	}
	files, open := limit.OpenFiles()
	p.files = limit.NewDescriptors(files, open+ownFiles)
	p.memory = limit.OwnMemory()
	p.limits = limit.New(p.limitOptions(c))
	if s.shared != nil {
		p.limits.JoinCluster(p.hub)
	}
	p.gate = limit.NewGate(0, limit.NewLateness().Late)
	p.gate.Set(c.Gate())
	p.counts.WatchGate(p.gate)
	p.setOrigins(c)
	p.checkFiles()
	p.service, err = p.newService()
	return p, err
}

// state returns what the metrics say about the cluster.
func (s *cluster) state() metrics.Cluster {
	state := metrics.Cluster{
		IsUp: s.log.IsUp(), Lag: s.log.Lag(), Losses: s.log.Losses(), Skipped: s.log.Skipped(),
		VolatileDropped: s.peers.VolatileDropped(),
	}
	if s.ingest != nil {
		state.IngestDropped, state.IngestSkipped = s.ingest.Dropped(), s.ingest.Skipped()
		state.BridgeLag = s.ingest.BridgeLag()
	}
	return state
}

func (p *instance) authOptions(c config.Config) auth.Options {
	o := c.Auth()
	o.Tickets, o.KeySet, o.Hook = p.tickets, p.keySet, p.connectHook
	return o
}

func (p *instance) limitOptions(c config.Config) limit.Options {
	return limit.Options{
		MaxConnections: c.MaxConnections, MaxStreams: c.SSEMaxConnections,
		PerUser: c.MaxConnectionsPerUser, PerIP: c.MaxConnectionsPerIP,
		AuthFailures: c.AuthFailures, AskHook: c.Mode() == auth.ModeHook, Descriptors: p.files, Memory: p.memory,
	}
}

// reloadable sets the options of the service that a reload can change.
func (p *instance) reloadable(o *server.Options, c config.Config) (err error) {
	o.APIKeys, err = p.apiKeys(c)
	o.PublishRate, o.PublishBurst = c.PublishRate, c.PublishBurst
	o.CertFile, o.KeyFile = c.TLSCertFile, c.TLSKeyFile
	o.Admin.Key = string(c.AdminKey)
	o.DrainTimeout, o.DrainRate = c.DrainTimeout, c.DrainRate()
	return err
}

// apiKeys returns the keys of the settings. Without any it returns a generated one.
func (p *instance) apiKeys(c config.Config) (keys []string, err error) {
	for _, key := range c.APIKeys {
		keys = append(keys, string(key))
	}
	if len(keys) > 0 {
		p.generated = ""
		return keys, nil
	}
	if p.generated == "" {
		p.generated, err = generatedKey(c.DataDir)
	}
	return []string{p.generated}, err
}

func (p *instance) setOrigins(c config.Config) {
	origins := c.Origins()
	p.origins.Store(&origins)
}

// allow reports whether a page of this origin may send the request.
func (p *instance) allow(origin string, r *http.Request) bool {
	return p.origins.Load().Allow(origin, r)
}

// checkFiles warns when the process may not open as many sockets as the settings allow.
func (p *instance) checkFiles() {
	if err := p.files.Enough(p.config.MaxConnections); err != nil {
		p.log.Warn(err.Error())
	}
}

// announce prints the console's URL and, once each, the generated key: alone, and in the fragment
// of the URL, which browsers do not send. Programs that read stderr get the key only.
func (p *instance) announce(e environment) {
	if p.generated == "" && !e.terminal {
		return
	}
	scheme, host := "http", p.address.String()
	if p.config.UsesTLS() {
		scheme = "https"
	}
	if tcp, ok := p.address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	if _, isTCP := p.address.(*net.TCPAddr); !isTCP { // no browser opens a unix socket
		if p.generated != "" {
			fmt.Fprintf(e.stderr, "\n  API key (%s): %s\n\n", p.keyNote(), p.generated)
		}
		return
	}
	if names := p.config.ACMEDomains; len(names) > 0 {
		host = names[0]
	}
	path := "/"
	if p.config.UpstreamURL != "" {
		path = "/console/"
	}
	if p.generated == "" {
		fmt.Fprintf(e.stderr, "\n  Console: %s://%s%s\n\n", scheme, host, path)
		return
	}
	fmt.Fprintf(e.stderr, "\n  API key (%s): %s\n  Console: %s://%s%s#key=%s\n\n",
		p.keyNote(), p.generated, scheme, host, path, p.generated)
}

// keyNote says how long the generated key lasts.
func (p *instance) keyNote() string {
	if p.config.DataDir != "" {
		return "kept in " + keyFile + " in DATA_DIR"
	}
	return "set API_KEYS to keep one"
}
