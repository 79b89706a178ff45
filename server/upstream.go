package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/semaphore"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/sockets"
)

const (
	upstreamDial = 10 * time.Second
	// upstreamHeader is the time from the last byte of a request to the header of the response.
	upstreamHeader = 2 * time.Minute
	// upstreamIdle is the time for upstreamPart bytes of a request, and for one write of a response.
	upstreamIdle    = 60 * time.Second
	upstreamPart    = 16 << 10
	upstreamBegins  = 1024 // bodies of which upstreamPart bytes are kept
	codeBadGateway  = "bad_gateway"
	codeGatewayTime = "gateway_timeout"
	codeLoop        = "loop_detected"
)

// upstream is a reverse proxy to the application of UPSTREAM_URL, which shares the address of this
// server. It forwards upgrades and streams too. The application decides about CORS and deadlines
// for whole bodies. Any goroutine may call its methods.
type upstream struct {
	proxy   *httputil.ReverseProxy
	trusted []netip.Prefix
	idle    time.Duration // upstreamIdle
	via     string        // the entry of this server in Via, to detect loops

	beginning *semaphore.Weighted // of upstreamBegins, for begin

	endless *sockets.Endless // streams and upgraded connections
}

// newUpstream returns a proxy to the application at this origin. The caller must call close.
func newUpstream(
	origin *url.URL, trusted []netip.Prefix, files *limit.Descriptors, log *zap.Logger,
) *upstream {
	u := &upstream{trusted: trusted, idle: upstreamIdle, via: "roomcast-" + rand.Text()[:8],
		beginning: semaphore.NewWeighted(upstreamBegins), endless: sockets.NewEndless()}
	errorLog, _ := zap.NewStdLogAt(log, zapcore.DebugLevel) // fails for unknown levels only
	dialer := &net.Dialer{Timeout: upstreamDial, KeepAlive: 15 * time.Second}
	u.proxy = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { u.rewrite(r, origin) },
		ModifyResponse: u.answered,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			edge.WriteProblem(w, r, u.problem(err))
		},
		FlushInterval: -1, // flush every write, because the response can be a stream
		ErrorLog:      errorLog,
		// The transport ignores HTTP_PROXY, because the application is on this network.
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return files.Count(conn), nil
			},
			TLSHandshakeTimeout:   upstreamDial,
			ResponseHeaderTimeout: upstreamHeader,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       60 * time.Second,
			DisableCompression:    true, // forward bodies unchanged
		},
	}
	return u
}

// fallback returns a handler that gives requests to own if the router has a route for the path, and
// all others to the application.
func (u *upstream) fallback(router *mux.Router, own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var match mux.RouteMatch
		found := router.Match(r, &match)
		if found && match.MatchErr == nil || errors.Is(match.MatchErr, mux.ErrMethodMismatch) {
			own.ServeHTTP(w, r)
			return
		}
		u.ServeHTTP(w, r)
	})
}

// drain ends the upgraded connections and the streams evenly over the time that pace returns for
// their number. Other requests continue.
func (u *upstream) drain(ctx context.Context, pace func(connections int) time.Duration) {
	u.endless.Drain(ctx, pace)
	u.close()
}

// close is drain without a pause.
func (u *upstream) close() {
	u.endless.Close()
	u.proxy.Transport.(*http.Transport).CloseIdleConnections()
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(strings.Join(r.Header.Values("Via"), ","), u.via) {
		edge.WriteProblem(w, r, &edge.Problem{Status: http.StatusLoopDetected, Code: codeLoop,
			Detail: "UPSTREAM_URL leads back to this server"})
		return
	}
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		edge.WriteProblem(w, r, &edge.Problem{Status: http.StatusMethodNotAllowed,
			Code: edge.CodeMethodNotAllowed, Detail: r.Method + " is not for applications"})
		return
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		// Another protocol, such as h2c, would be a tunnel to the application, past all rules here.
		r.Header.Del("Upgrade")
	}
	ctx, request, done := u.endless.Begin(r.Context())
	defer done()

	rc := http.NewResponseController(w)
	r = r.WithContext(context.WithValue(ctx, requestKey{}, request))
	if r.Body != nil && r.ContentLength != 0 {
		body, err := u.begin(&slowBody{
			DeadlineBody: edge.DeadlineBody{ReadCloser: r.Body, Controller: rc}, timeout: u.idle,
		})
		if err != nil {
			edge.WriteProblem(w, r, u.bodyProblem(err))
			return
		}
		r.Body = body
	}
	// The next request on the connection must not inherit the deadline.
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	u.proxy.ServeHTTP(&idleWriter{ResponseWriter: w, rc: rc, timeout: u.idle}, r)
}

// answered changes the header of a response and notes responses that do not end by themselves.
func (u *upstream) answered(res *http.Response) error {
	res.Header.Del(edge.HeaderRequestID) // the response already has the one of this server
	if res.StatusCode == http.StatusSwitchingProtocols ||
		strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		if request, ok := res.Request.Context().Value(requestKey{}).(*sockets.Request); ok {
			request.Note()
		}
	}
	return nil
}

// problem returns the error for the client. The log gets the cause; the client does not, because it
// has the address of the application.
func (u *upstream) problem(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", errUpstreamTimeout, err)
	}
	return fmt.Errorf("%w: %w", errUpstreamUnreachable, err)
}

var (
	errUpstreamTimeout = &edge.Problem{Status: http.StatusGatewayTimeout, Code: codeGatewayTime,
		Detail: "the application behind this server did not respond in time"}
	errUpstreamUnreachable = &edge.Problem{Status: http.StatusBadGateway, Code: codeBadGateway,
		Detail: "the application behind this server is unreachable"}
)

type requestKey struct{} // of a *sockets.Request
