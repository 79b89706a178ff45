package verify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options describe the server and what to check. Start from [DefaultOptions]: a zero means zero.
// Base is required.
type Options struct {
	Base *url.URL    // http or https, with the path at which the proxy has the server
	TLS  *tls.Config // nil: the default

	// Name is the server in messages and in the report. "": Base.
	Name string
	// Dial connects to the server, such as by a unix socket, and Proxy returns the proxy of a request.
	// nil: the host of Base, and the proxy that the environment names.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Proxy func(*http.Request) (*url.URL, error)

	SocketIOPath, SSEPath string

	// Key is an API key. With it the checks publish notifications, and see how requests arrive at
	// the server. Without it they send messages as a client, if the server lets them.
	Key string
	// Token is the JWT of a user; its claims are checked. Without a key the clients connect with it.
	Token string
	// Origin is the origin of pages that connect from another host. "": none.
	Origin string

	// Idle is how long connections are kept without traffic of their own, to find proxies that
	// close them, 10 s by default. 0: not at all.
	Idle time.Duration
	// Away is how long clients stay away after a cut, 1 s by default.
	Away time.Duration
	// Patience is how long one answer may take before the check looks a second time, for twice as
	// long, 5 s by default. On a slow line it is more: 20 times the slowest answer so far.
	Patience time.Duration

	// Begin is called when a check begins, Done with each result. nil: not called.
	Begin func(check string)
	Done  func(Result)
}

// DefaultOptions returns the options without Base.
func DefaultOptions() Options {
	return Options{
		SocketIOPath: "/socket.io", SSEPath: "/sse",
		Idle: 10 * time.Second, Away: time.Second, Patience: 5 * time.Second,
	}
}

// check returns an error for options that cannot be used, and replaces nil by the defaults.
func (o *Options) check() error {
	if o.Base == nil || o.Base.Scheme != "http" && o.Base.Scheme != "https" || o.Base.Host == "" {
		return errors.New("verify: Options.Base: expected a URL such as https://push.example.com")
	}
	if o.Patience <= 0 {
		return errors.New("verify: Options.Patience: expected more than 0: start from DefaultOptions()")
	}
	if o.Origin != "" {
		u, err := url.Parse(o.Origin)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != strings.ToLower(o.Origin) {
			return errors.New("the origin must be a scheme and a host, such as https://app.example.com")
		}
	}
	if o.Name == "" {
		o.Name = o.Base.String()
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Begin == nil {
		o.Begin = func(string) {}
	}
	if o.Done == nil {
		o.Done = func(Result) {}
	}
	return nil
}

// ownOrigin returns the origin of pages that the host of Base serves.
func (o *Options) ownOrigin() string { return o.Base.Scheme + "://" + o.Base.Host }
