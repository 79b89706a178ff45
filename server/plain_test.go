package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/servertest"
)

// ownCertificates are certificates of a test.
type ownCertificates struct {
	http.Handler
	config        *tls.Config
	err           error // of Start
	https, plain  net.Addr
	started, ends int
}

func (c *ownCertificates) Start(https, plain net.Addr) error {
	c.https, c.plain, c.started = https, plain, c.started+1
	return c.err
}

func (c *ownCertificates) TLSConfig() *tls.Config { return c.config }

func (c *ownCertificates) Expires() time.Time { return time.Unix(2e9, 0) }

func (c *ownCertificates) Close() { c.ends++ }

func newCertificates(t *testing.T) (*ownCertificates, *http.Client) {
	t.Helper()
	cert, key, roots := writeCertificate(t)
	var pair certificate
	if err := pair.load(cert, key); err != nil {
		t.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "plain "+r.URL.Path)
	})
	return &ownCertificates{Handler: hello, config: pair.config()}, &http.Client{
		Timeout: servertest.Patience, Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

// Certificates start when both listeners are open, have the one without TLS, and end with the service.
func TestCertificates(t *testing.T) {
	t.Parallel()
	certificates, client := newCertificates(t)
	o := newParts(t)
	o.Certificates, o.PlainAddr = certificates, "127.0.0.1:0"
	o.Metrics = metrics.New(o.Hub)
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- New(o).Serve(ctx, "127.0.0.1:0", func(a net.Addr) { address <- a })
	}()
	https := (<-address).String()
	if certificates.https.String() != https || certificates.plain == nil {
		t.Errorf("it started with %v and %v", certificates.https, certificates.plain)
	}
	for url, want := range map[string]string{
		"https://" + https + "/livez":                      `{"status":"ok"}`,
		"http://" + certificates.plain.String() + "/livez": "plain /livez",
	} {
		res, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := strings.TrimSpace(string(text)); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
	servertest.ExpectSeries(t, servertest.Scrape(t, o.Metrics.Handler()),
		map[string]float64{"roomcast_certificate_expiry_timestamp_seconds": 2e9})
	stop()
	if err := <-ended; err != nil || certificates.started != 1 || certificates.ends != 1 {
		t.Errorf("%v, %d starts, %d ends", err, certificates.started, certificates.ends)
	}
	if conn, err := net.Dial("tcp", certificates.plain.String()); err == nil {
		_ = conn.Close()
		t.Error("the listener without TLS is open after the end")
	}
}

// A port that is taken, and certificates that cannot start, end the start, and leave nothing open.
func TestCertificatesThatDoNotStart(t *testing.T) {
	t.Parallel()
	taken, err := listenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		plain string
		err   error
		want  string
	}{
		{taken.Addr().String(), nil, "ACME_HTTP_ADDR: cannot listen on " + taken.Addr().String()},
		{"127.0.0.1:0", errors.New("no storage"), "certificates: no storage"},
		{"", errors.New("no storage"), "certificates: no storage"},
	} {
		certificates, _ := newCertificates(t)
		certificates.err = tt.err
		o := newParts(t)
		o.Certificates, o.PlainAddr = certificates, tt.plain
		err := New(o).Serve(t.Context(), "127.0.0.1:0", nil)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || certificates.ends != 1 {
			t.Errorf("%+v: %v, %d ends", tt, err, certificates.ends)
		}
	}
}
