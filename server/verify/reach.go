package verify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// reach checks that the proxy passes the paths of both protocols on. Its error says that there is
// nothing to check.
func (r *run) reach(ctx context.Context) error {
	r.begin("path")
	stream, err := r.patiently(ctx, func() (answer, error) { return r.position(ctx) })
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", r.o.Name, err)
	}
	r.alpn = stream.alpn
	r.skew.date(stream, r.began)
	engine, err := r.patiently(ctx, func() (answer, error) {
		return r.get(ctx, r.o.SocketIOPath+"/", engineQuery(polling))
	})
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", r.o.Name, err)
	}
	r.forget(ctx, engine)
	streams := stream.status == http.StatusOK && strings.Contains(string(stream.body), `"position"`)
	sockets := engine.status == http.StatusOK && strings.HasPrefix(string(engine.body), "0{")
	if stream.later() && engine.later() {
		return errBusy
	}
	if !streams && !sockets && !stream.own && !engine.own {
		err := fmt.Errorf("%w: %s was answered %s", errNothing, r.o.SSEPath+"/position", stream)
		if stream.redirect() != "" {
			err = fmt.Errorf("%w; redirects are not followed, so give the URL to which it leads", err)
		}
		return err
	}
	if stream.own && stream.status == http.StatusForbidden &&
		engine.status == http.StatusForbidden {
		r.fault("host", "the server refuses the Host header that it gets: on this machine it knows only "+
			"localhost and the hosts of ALLOWED_ORIGINS")
		r.o.Key = ""
		return nil
	}
	r.works[eventSource], r.works[webSocket], r.works[polling] = streams, sockets, sockets
	r.path(streams || stream.later(), r.o.SSEPath+"/position", stream)
	r.path(sockets || engine.later(), r.o.SocketIOPath+"/", engine)
	if !r.faults["path"] {
		r.ok("the proxy passes %s and %s on", r.o.SocketIOPath, r.o.SSEPath)
	}
	return nil
}

// path reports a path at which something else answers.
func (r *run) path(works bool, path string, a answer) {
	switch {
	case works:
	case a.own:
		r.fault("path", "the server answered %s to %s, so it got another path: the proxy rewrites it",
			a, path)
	default:
		r.fault("path", "the proxy does not pass %s on: it answered %s", path, a)
	}
}

// position sends the simplest request of all.
func (r *run) position(ctx context.Context, headers ...string) (answer, error) {
	return r.get(ctx, strings.TrimRight(r.o.SSEPath, "/")+"/position", nil, headers...)
}

// patiently repeats a request while the server asks to come back later.
func (r *run) patiently(ctx context.Context, send func() (answer, error)) (a answer, err error) {
	for range 4 {
		if a, err = send(); err != nil || !a.later() {
			break
		}
		sleep(ctx, 2*time.Second)
	}
	return a, err
}

// versions checks the version of HTTP that clients of the proxy get.
func (r *run) versions(ctx context.Context) {
	r.begin("http")
	a, err := r.position(ctx)
	switch {
	case err != nil:
		r.note("GET %s/position: %v", r.o.SSEPath, err)
	case a.proto == "HTTP/1.0":
		r.fault("http10", "the proxy answers with HTTP/1.0")
	case r.o.Base.Scheme == "http":
		r.note("without TLS browsers use HTTP/1.1, with at most six streams to one host, all tabs " +
			"together; over https the check sees whether HTTP/2 is offered")
	case r.alpn == "h2":
		r.ok("HTTP/2 is offered, so tabs can have more than six streams")
	default:
		r.fault("http1", "TLS does not offer HTTP/2 (ALPN h2): a browser opens at most six streams to "+
			"this host, all tabs together")
	}
}
