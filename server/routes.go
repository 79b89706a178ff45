package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/edge"
)

// Handler returns the handler of all paths with its middlewares: request id and client address,
// request log, recovery from panics, CORS.
func (s *Service) Handler() http.Handler {
	router := mux.NewRouter()
	// Without SkipClean a doubled slash is answered with a redirect, which turns a POST into a GET.
	router.SkipClean(true)
	router.NotFoundHandler = http.HandlerFunc(edge.NotFound)
	router.MethodNotAllowedHandler = http.HandlerFunc(edge.NotFound)

	for _, path := range s.o.SocketIOPaths {
		path = strings.TrimRight(path, "/")
		router.Handle(path, s.o.SocketIO)
		router.Handle(path+"/", s.o.SocketIO)
		if files := s.o.ClientFiles; files != nil && (files.Exists() || s.upstream == nil) {
			for _, name := range clientfiles.Names {
				router.Handle(path+"/"+name, files)
			}
		}
		if s.upstream == nil {
			router.PathPrefix(path + "/").HandlerFunc(edge.NotFound)
		}
	}
	for path, as := range s.streamPaths() {
		router.Handle(path, s.o.Streams.Stream(as))
		router.Handle(path+"/", s.o.Streams.Stream(as))
		router.Handle(path+"/position", s.o.Streams.Position())
		router.Handle(path+"/tickets", s.o.Streams.Tickets())
		router.Handle(path+"/{clientId}/channels", s.steer(s.o.Streams.Channels()))
		router.Handle(path+"/{clientId}/messages", s.steer(s.o.Streams.Messages()))
		router.Handle(path+"/{clientId}/token", s.steer(s.o.Streams.Token()))
		if s.upstream == nil {
			router.PathPrefix(path + "/").HandlerFunc(edge.NotFound)
		}
	}
	backends := api.New(s.api())
	for _, path := range api.Paths() {
		router.Handle(path, backends)
	}
	router.PathPrefix("/v1/").Handler(backends)
	switch {
	case s.o.Console == nil:
	case s.upstream != nil:
		router.PathPrefix("/console/").Handler(http.StripPrefix("/console", s.o.Console))
		router.Handle("/console", http.StripPrefix("/console", s.o.Console))
	default:
		router.PathPrefix("/").Handler(s.o.Console)
	}

	handler := edge.WithBodyDeadline(edge.BodyTimeout, edge.WithCORS(s.o.AllowOrigin, nil, router))
	if s.upstream != nil {
		handler = s.upstream.fallback(router, handler)
	}
	handler = edge.WithRecovery(s.o.Log, edge.WithHosts(s.o.AllowHost, handler))
	if s.o.Forward != nil {
		handler = s.o.Forward.Accept(handler)
	}
	handler = edge.WithLog(s.o.Log, s.quiet, handler)
	handler = withRefusals(s.o.Metrics, s.isEngineIO, handler)
	return edge.WithInfo(s.o.TrustedProxies, handler)
}

// api returns the options of the API.
func (s *Service) api() api.Options {
	o := api.Options{Hub: s.o.Hub, Keyring: s.keys, Log: s.o.Log,
		Asker: asker{s.o.SocketIO}, Mode: s.o.SocketIO.AuthMode(),
		Bus:        s.o.Bus,
		StreamPath: strings.TrimRight(s.o.SSEPath, "/"),
		Live:       s.health.live, Ready: s.health.ready}
	o.Tracer, o.Audit = s.o.Tracer, s.o.Audit
	if s.o.Tickets != nil {
		o.Tickets = s.o.Tickets
	}
	if s.o.SocketIO.HasPeers() {
		o.Servers = peerServers{s.o.SocketIO}
	}
	return o
}

// streamPaths returns the paths of EventSource streams and the event name that each gives to
// notifications. Clients of the original application use /api/sse and listen to `message`.
func (s *Service) streamPaths() map[string]string {
	if s.o.SSEPath == "" {
		return nil
	}
	path := strings.TrimRight(s.o.SSEPath, "/")
	return map[string]string{path: "", "/api" + path: "message"}
}

// quiet reports whether a request is one of many that the log shows at debug level only: probes and
// polls.
func (s *Service) quiet(r *http.Request) bool {
	return r.URL.Path == "/livez" || r.URL.Path == "/readyz" || s.isEngineIO(r)
}

func (s *Service) isEngineIO(r *http.Request) bool {
	return slices.ContainsFunc(s.o.SocketIOPaths, func(path string) bool {
		return strings.HasPrefix(r.URL.Path, path)
	})
}
