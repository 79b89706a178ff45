package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/config"
)

// maxReply is the maximum size of a response that is not a stream.
const maxReply = 32 << 20

// remote holds the flags that select the server.
type remote struct {
	URL string `name:"url" env:"ROOMCAST_URL" placeholder:"URL" help:"URL of the server, such as https://push.example.com, or unix:/path; the default is the server that these settings would start."`
}

// target is a server's URL, and how to connect to it.
type target struct {
	base   *url.URL
	tls    *tls.Config // nil: the default
	socket string      // the path of a unix socket; "": the address of the URL
	// address is where to connect; "": the host of the URL.
	address string
}

// target returns the server of --url, or the one that the settings describe. The latter needs no
// certificate for localhost: the connection is accepted if its certificate is that of
// TLS_CERT_FILE.
func (r remote) target(c config.Config) (target, error) {
	if path, isUnix := strings.CutPrefix(r.URL, "unix:"); isUnix {
		return unixTarget(path), nil
	}
	if r.URL != "" {
		base, err := url.Parse(r.URL)
		if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
			base.User != nil {
			return target{}, usageError("--url: allowed: a URL such as https://push.example.com, " +
				"or unix:/path")
		}
		base.Path = strings.TrimRight(base.Path, "/")
		base.RawPath, base.RawQuery, base.Fragment = "", "", ""
		return target{base: base}, nil
	}
	host := c.Host
	if address, err := netip.ParseAddr(host); err == nil && address.IsUnspecified() {
		host = map[bool]string{true: "127.0.0.1", false: "::1"}[address.Is4()]
	}
	t := target{base: &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(c.Port))}}
	if path := c.Socket(); path != "" {
		t = unixTarget(path)
	}
	switch {
	case !c.UsesTLS():
		return t, nil
	case c.TLSCertFile == "":
		return acmeTarget(c, t), nil
	}
	t.base.Scheme = "https"
	text, err := os.ReadFile(c.TLSCertFile)
	if err != nil {
		return target{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return target{}, fmt.Errorf("%s has no certificate", c.TLSCertFile)
	}
	t.tls = &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection verifies
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 &&
				bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return nil
			}
			return fmt.Errorf("the server's certificate differs from that of %s", c.TLSCertFile)
		},
	}
	return t, nil
}

// acmeTarget returns the target of a server on this machine that gets its certificates by itself. The
// name is that of the first one, and the connection goes to the address of t.
func acmeTarget(c config.Config, t target) target {
	t.address = t.base.Host
	t.base = &url.URL{Scheme: "https", Host: c.ACMEDomains[0]}
	t.tls = &tls.Config{RootCAs: c.ACMERoots()}
	return t
}

// unixTarget returns the target of a server on a unix socket.
func unixTarget(path string) target {
	return target{base: &url.URL{Scheme: "http", Host: "localhost"}, socket: path}
}

// name is the server's address for messages.
func (t target) name() string {
	if t.socket != "" {
		return "unix:" + t.socket
	}
	return t.base.String()
}

// dial connects to the server.
func (t target) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if t.socket != "" {
		network, address = "unix", t.socket
	}
	if t.address != "" {
		address = t.address
	}
	return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
}

// proxy returns the proxy for a request: none for a server on this machine that the URL does not name.
func (t target) proxy(r *http.Request) (*url.URL, error) {
	if t.socket != "" || t.address != "" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// at returns the URL of a path of the server.
func (t target) at(path string) *url.URL { return t.base.JoinPath(path) }

// client returns an HTTP client for the server. It follows no redirects, which could send keys to
// another host. The caller closes idle connections.
func (t target) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: t.proxy, TLSClientConfig: t.tls, ForceAttemptHTTP2: true, DialContext: t.dial,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// call sends one request and returns the body of a 200. For another response it returns a *refusal,
// without one a *noReply.
func (t target) call(r *http.Request, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	client := t.client()
	defer client.CloseIdleConnections()
	res, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, t.unreached(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return nil, t.unreached(err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, &refusal{
			status: res.StatusCode, body: bytes.TrimSpace(body),
			retryAfter: res.Header.Get("Retry-After"),
		}
	}
	return body, nil
}

// unreached removes the URL from net/http's errors, because its query may contain a token.
func (t target) unreached(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &noReply{t.name(), err}
}

// refusal is the error of a response other than 200.
type refusal struct {
	status     int
	body       []byte // of the response, a problem document if it is JSON
	retryAfter string
}

func (e *refusal) Error() string {
	var problem struct{ Code, Detail, Status string }
	text := fmt.Sprintf("the server answered %d", e.status)
	_ = json.Unmarshal(e.body, &problem) // anything else leaves problem empty
	switch {
	case problem.Code != "":
		text += " " + problem.Code + ": " + problem.Detail
	case problem.Status != "": // of /readyz
		text += " " + problem.Status
	default:
		text += " " + http.StatusText(e.status)
	}
	if e.retryAfter != "" {
		text += " (try again in " + e.retryAfter + " s)"
	}
	return text
}

// later reports whether the same request may succeed later.
func (e *refusal) later() bool {
	return e.status == http.StatusTooManyRequests || e.status >= 500
}
