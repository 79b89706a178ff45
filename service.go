package main

import (
	"net/http"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/acme"
	"github.com/roomcast/roomcast/server/adminui"
	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/forward"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/server/socketio/library"
	"github.com/roomcast/roomcast/sse"
	"github.com/roomcast/roomcast/web"
)

// newService builds the service: one hub, both transports on it, and the API.
func (p *instance) newService() (*server.Service, error) {
	c, log := p.config, p.log
	hub, counts := p.hub, p.counts
	passes, err := p.forwarder()
	if err != nil {
		return nil, err
	}
	enter := server.Gate(p.gate, log) // one, so that its lines in the log have one rate
	socketIO, err := p.newSocketIO(passes, enter)
	if err != nil {
		return nil, err
	}
	streams, err := p.newStreams(passes, enter)
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

// gate lets handshakes pass.
type gate = func(*http.Request) error

// newSocketIO builds the Socket.IO server. passes may be nil.
func (p *instance) newSocketIO(passes *forward.Forwarder, enter gate) (*socketio.Server, error) {
	c, log := p.config, p.log
	options := c.SocketIO()
	options.Hub, options.Auth, options.Log = p.hub, p.authenticator, log
	if p.shared != nil {
		options.Peers = p.shared.peers
	}
	if passes != nil {
		options.Tag, options.Foreign = passes.Tag, passes.Forward
	}
	options.Limits, options.Metrics = p.limits, p.counts
	options.PingInterval, options.PingTimeout = c.SocketIOPingInterval, c.SocketIOPingTimeout
	options.ConnectTimeout, options.MaxPayload = c.SocketIOConnectTimeout, int(c.SocketIOMaxPayload)
	options.ReceiveRate = int(c.SocketIOReceiveRate)
	options.CheckOrigin = func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || p.allow(origin, r)
	}
	options.Gate = enter
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
		hook := p.hooks.EventHook(p.hub)
		socketIO.Mount(hook, hook.Serves)
	}
	if c.UsesAdminUI() {
		if err := p.mountAdminUI(socketIO); err != nil {
			return nil, err
		}
	}
	library.Mount(socketIO, log)
	socketIO.JoinCluster()
	return socketIO, nil
}

func (p *instance) mountAdminUI(socketIO *socketio.Server) error {
	o := p.config.AdminUIOptions()
	o.Written, o.Audit = p.counts.SentBytes, p.audit
	var err error
	p.adminUI, err = adminui.Mount(socketIO, o)
	return err
}

// newStreams builds the EventSource transport. passes may be nil.
func (p *instance) newStreams(passes *forward.Forwarder, enter gate) (*sse.Handler, error) {
	c := p.config
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Log = p.hub, limit.StreamAuth(p.authenticator, p.limits), p.log
	so.Tickets, so.Admit = p.tickets, server.StreamAdmission(p.limits)
	so.Gate = enter
	so.Problem, so.Overloaded = edge.WriteProblem, edge.NoteRefusal
	so.Address = server.StreamAddress
	so.Written, so.Panicked = p.counts.WrittenBy("sse"), p.counts.Panicked
	so.Heartbeat, so.As = c.SSEHeartbeatInterval, c.SSEAs
	so.DefaultChannels, so.MaxRooms = c.DefaultChannels, c.MaxRooms
	so.RateInterval, so.RateBurst = c.RateLimitInterval, c.RateLimitBurst
	if passes != nil {
		so.Tag = passes.Tag
	}
	return sse.New(so)
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
