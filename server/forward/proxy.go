package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/sockets"
)

const (
	dialTimeout = 3 * time.Second
	// idleTimeout is shorter than that of the other node, so that a request does not meet the end of
	// its connection.
	idleTimeout = 60 * time.Second
	idlePerNode = 64 // a node closes idle connections of an address above 100
	copySize    = 16 << 10
)

// headerNode is in all responses to forwarded requests: the tag of the node. Without it, another
// program answers at the address, or the node has not accepted the request.
const headerNode = "X-Roomcast-Node"

var errNotAccepted = errors.New("the node has not accepted the request")

// call is one request to another node.
type call struct {
	node    node
	w       http.ResponseWriter // that of the client
	request *sockets.Request
	body    *body // nil: none
	err     error // why there is no response

	hijacked bool // the response has begun, as an upgrade
}

type callKey struct{}

func callOf(r *http.Request) *call { return r.Context().Value(callKey{}).(*call) }

func (f *Forwarder) newProxy() *httputil.ReverseProxy {
	errorLog, _ := zap.NewStdLogAt(f.o.Log, zap.DebugLevel) // fails for unknown levels only
	dialer := &net.Dialer{Timeout: dialTimeout, Control: socketOptions,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
		}}
	return &httputil.ReverseProxy{
		Rewrite: f.rewrite, ModifyResponse: f.answered,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) { callOf(r).err = err },
		BufferPool:   newBuffers(),
		ErrorLog:     errorLog,
		// The transport ignores HTTP_PROXY, because the nodes are on this network. It does not repeat
		// a request that the node may have: that one is refused as a replay.
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return f.o.Files.Count(conn), nil
			},
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: f.o.Wait,
			MaxIdleConnsPerHost:   idlePerNode,
			IdleConnTimeout:       idleTimeout,
			DisableCompression:    true, // bodies pass unchanged
		},
	}
}

func (f *Forwarder) transport() *http.Transport { return f.proxy.Transport.(*http.Transport) }

// pass sends a request to a node.
func (f *Forwarder) pass(w http.ResponseWriter, r *http.Request, to node) error {
	ctx, request, done := f.upgraded.Begin(r.Context())
	defer done()
	c := &call{node: to, w: w, request: request}
	r = r.WithContext(context.WithValue(ctx, callKey{}, c))
	if r.Body != nil && r.ContentLength != 0 {
		c.body = &body{ReadCloser: r.Body}
		r.Body = c.body
	}
	rc := http.NewResponseController(w)
	// The next request on the connection must not inherit the deadline.
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	f.proxy.ServeHTTP(&response{ResponseWriter: w, rc: rc, call: c}, r)
	switch bodyErr := c.body.failure(); {
	case c.err == nil || c.hijacked:
		edge.InfoOf(r).Forwarded = true
		f.counts.answered.Add(1)
		return nil
	case bodyErr != nil:
		return bodyErr
	case errors.Is(c.err, context.Canceled): // the client is gone
		return ErrUnknown
	}
	f.counts.unreachable.Add(1)
	f.logged.warn(f.o.Log, "a request cannot be forwarded to another node",
		zap.String("tag", to.Tag), zap.String("address", to.Address), zap.Error(c.err))
	return ErrUnknown
}

// rewrite addresses and signs a request. It keeps the Host of the client, because all nodes have the
// same name, and no header of proxies: the signature has the address of the client.
func (f *Forwarder) rewrite(r *httputil.ProxyRequest) {
	c := callOf(r.In)
	r.Out.URL.Scheme, r.Out.URL.Host = c.node.url.Scheme, c.node.url.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // also one that Go would refuse to parse
	r.Out.Host = r.In.Host
	if !strings.EqualFold(r.Out.Header.Get("Upgrade"), "websocket") {
		r.Out.Header.Del("Connection")
		r.Out.Header.Del("Upgrade")
	}
	r.Out.Header.Del("Expect") // this node has answered it
	r.Out.Header.Set(edge.HeaderRequestID, edge.InfoOf(r.In).ID)
	s := stamp{sender: f.id, count: f.count.Add(1), at: time.Now(), client: edge.ClientIP(r.In)}
	r.Out.Header[headerForward] = []string{s.signed(c.node.Secret, r.Out.Method, r.Out.URL.RequestURI())}
}

// answered checks a response. Its headers take the place of those that this node has set already,
// because the middlewares of both nodes are the same.
func (f *Forwarder) answered(res *http.Response) error {
	c := callOf(res.Request)
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols: // which has the headers of WebSocket only
		c.request.Note()
	case res.Header.Get(headerNode) == "":
		return errNotAccepted
	}
	res.Header.Del(headerNode)
	for name := range res.Header {
		c.w.Header().Del(name)
	}
	return nil
}

// body is the body of a request. It notes why the client has not sent it: the error of the proxy may
// be another one.
type body struct {
	io.ReadCloser
	err atomic.Pointer[error]
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err.Store(&err)
	}
	return n, err
}

func (b *body) failure() error {
	if b == nil || b.err.Load() == nil {
		return nil
	}
	return *b.err.Load()
}

// buffers are those for the bodies of responses.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	b := new(buffers)
	b.pool.New = func() any { return new([copySize]byte) }
	return b
}

func (b *buffers) Get() []byte  { return b.pool.Get().(*[copySize]byte)[:] }
func (b *buffers) Put(p []byte) { b.pool.Put((*[copySize]byte)(p)) }
