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
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/roomcast/roomcast/server/edge"
)

const (
	upstreamDial    = 10 * time.Second
	upstreamHeader  = 2 * time.Minute  // from the request's last byte to the answer's header
	upstreamIdle    = 60 * time.Second // between two parts of a body, either way
	codeBadGateway  = "bad_gateway"
	codeGatewayTime = "gateway_timeout"
	codeLoop        = "loop_detected"
)

// upstream hands requests to the application that shares our address: upgrades
// and streams too. Its answers are the application's own, so neither our CORS
// rules nor our deadlines for whole bodies apply to them. Safe for concurrent
// use.
type upstream struct {
	proxy   *httputil.ReverseProxy
	trusted []netip.Prefix
	via     string // our entry in Via, which shows that a request went in a circle

	ctx context.Context // done when streams and upgraded connections must end
	end context.CancelFunc
}

// newUpstream returns a proxy for the application at this origin. Close it.
func newUpstream(origin *url.URL, trusted []netip.Prefix, log *zap.Logger) *upstream {
	u := &upstream{trusted: trusted, via: "roomcast-" + rand.Text()[:8]}
	u.ctx, u.end = context.WithCancel(context.Background())
	errorLog, _ := zap.NewStdLogAt(log, zapcore.DebugLevel) // fails for unknown levels only
	u.proxy = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { u.rewrite(r, origin) },
		ModifyResponse: u.answered,
		ErrorHandler:   func(w http.ResponseWriter, r *http.Request, err error) { edge.WriteProblem(w, r, u.problem(err)) },
		FlushInterval:  -1, // what the application writes may be meant to be read now
		ErrorLog:       errorLog,
		Transport: &http.Transport{ // without a proxy of the environment: the application is near
			DialContext:           (&net.Dialer{Timeout: upstreamDial, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   upstreamDial,
			ResponseHeaderTimeout: upstreamHeader,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       60 * time.Second,
			DisableCompression:    true, // pass on what came, as it came
		},
	}
	return u
}

// beside returns a handler that answers what router has a route for by ours, and
// everything else by the application.
func (u *upstream) beside(router *mux.Router, ours http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var match mux.RouteMatch
		if found := router.Match(r, &match); found && match.MatchErr == nil || errors.Is(match.MatchErr, mux.ErrMethodMismatch) {
			ours.ServeHTTP(w, r)
			return
		}
		u.ServeHTTP(w, r)
	})
}

// close ends the upgraded connections and the streams; other requests go on.
func (u *upstream) close() {
	u.end()
	u.proxy.Transport.(*http.Transport).CloseIdleConnections()
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(strings.Join(r.Header.Values("Via"), ","), u.via) {
		edge.WriteProblem(w, r, &edge.Problem{Status: http.StatusLoopDetected, Code: codeLoop, Detail: "UPSTREAM_URL leads back to this server"})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &upstreamCall{cancel: cancel}
	defer context.AfterFunc(u.ctx, c.endIfEndless)()

	rc := http.NewResponseController(w)
	r = r.WithContext(context.WithValue(ctx, upstreamCallKey{}, c))
	if r.Body != nil && r.ContentLength != 0 {
		r.Body = &idleBody{edge.DeadlineBody{ReadCloser: r.Body, Controller: rc}}
	}
	// The connection may serve other requests after this one.
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	u.proxy.ServeHTTP(&idleWriter{ResponseWriter: w, rc: rc}, r)
}

// rewrite keeps the Host that the client asked for, as a server behind the same
// name sees it, and says in X-Forwarded-* where the request came from. What the
// client wrote there itself counts only if it is a proxy that is trusted.
func (u *upstream) rewrite(r *httputil.ProxyRequest, origin *url.URL) {
	r.SetURL(origin)
	r.Out.Host = r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // also what Go would not parse: it is not ours to read
	trusted := edge.Contains(u.trusted, edge.RemoteIP(r.In.RemoteAddr))
	if trusted {
		r.Out.Header[edge.HeaderForwardedFor] = r.In.Header[edge.HeaderForwardedFor]
	}
	r.SetXForwarded()
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Host"} {
		if value := r.In.Header.Get(name); trusted && value != "" {
			r.Out.Header.Set(name, value)
		}
	}
	r.Out.Header.Set(edge.HeaderRequestID, edge.InfoOf(r.In).ID)
	r.Out.Header.Add("Via", fmt.Sprintf("%d.%d %s", r.In.ProtoMajor, r.In.ProtoMinor, u.via))
}

// answered sees the answer's header before the client does.
func (u *upstream) answered(res *http.Response) error {
	res.Header.Del(edge.HeaderRequestID) // ours is there already
	if res.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		if c, ok := res.Request.Context().Value(upstreamCallKey{}).(*upstreamCall); ok {
			c.endless.Store(true)
			if u.ctx.Err() != nil {
				c.cancel()
			}
		}
	}
	return nil
}

// problem says which side failed. The cause goes to the log alone: it names the
// application's address.
func (u *upstream) problem(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", &edge.Problem{Status: http.StatusGatewayTimeout, Code: codeGatewayTime, Detail: "the application behind this server did not answer in time"}, err)
	}
	return fmt.Errorf("%w: %w", &edge.Problem{Status: http.StatusBadGateway, Code: codeBadGateway, Detail: "the application behind this server cannot be reached"}, err)
}

// upstreamCall is one request that the application answers.
type upstreamCall struct {
	cancel  context.CancelFunc
	endless atomic.Bool // it would hold a shutdown up
}

type upstreamCallKey struct{}

func (c *upstreamCall) endIfEndless() {
	if c.endless.Load() {
		c.cancel()
	}
}

// idleBody bounds the time between two parts of a request's body.
type idleBody struct{ edge.DeadlineBody }

func (b *idleBody) Read(p []byte) (int, error) {
	if !b.Complete {
		_ = b.Controller.SetReadDeadline(time.Now().Add(upstreamIdle))
	}
	return b.DeadlineBody.Read(p)
}

// idleWriter bounds the time that one part of an answer may take to be written.
type idleWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (w *idleWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *idleWriter) Write(p []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(upstreamIdle))
	return w.ResponseWriter.Write(p)
}
