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

// maxReply is the most that is read of an answer that is no stream.
const maxReply = 32 << 20

// remote is the flags that say which server is meant.
type remote struct {
	URL string `name:"url" env:"ROOMCAST_URL" placeholder:"URL" help:"Address of the server, such as https://push.example.com; without it the one that these settings would start."`
}

// target is a server and the way to it.
type target struct {
	base *url.URL
	tls  *tls.Config // nil: as usual
}

// target returns the server of --url, or the one that the settings describe. Its certificate need not be one for
// localhost: that it is the one of TLS_CERT_FILE is enough.
func (r remote) target(c config.Config) (target, error) {
	if r.URL != "" {
		base, err := url.Parse(r.URL)
		if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil {
			return target{}, usageError("--url: allowed: an address such as https://push.example.com")
		}
		base.Path, base.RawPath, base.RawQuery, base.Fragment = strings.TrimRight(base.Path, "/"), "", "", ""
		return target{base: base}, nil
	}
	host := c.Host
	if address, err := netip.ParseAddr(host); err == nil && address.IsUnspecified() {
		host = map[bool]string{true: "127.0.0.1", false: "::1"}[address.Is4()]
	}
	t := target{base: &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(c.Port))}}
	if c.TLSCertFile == "" {
		return t, nil
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
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 && bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return nil
			}
			return fmt.Errorf("the server's certificate is not that of %s", c.TLSCertFile)
		},
	}
	return t, nil
}

// at returns the address of a path of the server.
func (t target) at(path string) *url.URL { return t.base.JoinPath(path) }

// client returns an HTTP client for the server. It follows no redirects, which would carry keys elsewhere; idle
// connections are for the caller to close.
func (t target) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: t.tls, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call sends one request and returns the body of a 200. Anything else is a *refusal or *noReply.
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
		return nil, &refusal{status: res.StatusCode, body: bytes.TrimSpace(body), retryAfter: res.Header.Get("Retry-After")}
	}
	return body, nil
}

// unreached takes the URL off net/http's errors: a token may be in its query.
func (t target) unreached(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &noReply{t.base.String(), err}
}

// refusal is an answer other than 200.
type refusal struct {
	status     int
	body       []byte // of a problem document, if it was one
	retryAfter string
}

func (e *refusal) Error() string {
	var problem struct{ Code, Detail, Status string }
	text := fmt.Sprintf("the server answered %d", e.status)
	_ = json.Unmarshal(e.body, &problem) // numbers in it are passed over; what is no problem document leaves it empty
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

// later reports whether the same request may succeed after a while.
func (e *refusal) later() bool {
	return e.status == http.StatusTooManyRequests || e.status >= 500
}
