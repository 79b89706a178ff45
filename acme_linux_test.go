package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	acmeName     = "push.example.com"
	pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/"
	// acmePatience is how long a certificate may take, with the refused requests of the authority.
	acmePatience = 90 * time.Second
)

// The authority is Pebble, the test server of Let's Encrypt. make acme runs this test, because the
// authority is built first.
func TestACME(t *testing.T) {
	version := os.Getenv("ROOMCAST_PEBBLE")
	if version == "" {
		t.Skip("make acme runs this test")
	}
	programs := t.TempDir()
	for _, name := range []string{"pebble", "pebble-challtestsrv"} {
		install := exec.Command("go", "install", pebbleModule+name+"@"+version)
		install.Env = append(os.Environ(), "GOBIN="+programs, "GOFLAGS=")
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Run("TLS-ALPN-01", func(t *testing.T) { tryACME(t, programs, "tls-alpn-01") })
	t.Run("HTTP-01", func(t *testing.T) { tryACME(t, programs, "http-01") })
}

// tryACME gets a certificate by one challenge, and uses it again after a restart.
func tryACME(t *testing.T, programs, challenge string) {
	tlsPort, plainPort := freePort(t), freePort(t)
	a := startAuthority(t, programs, challenge, tlsPort, plainPort)
	settings := map[string]string{
		"API_KEYS": testKey, "JWT_SECRET": testKey, "HOST": "127.0.0.1", "PORT": tlsPort,
		"DATA_DIR": t.TempDir(), "DRAIN_TIMEOUT": "0s", "ACME_DOMAINS": acmeName,
		"ACME_EMAIL": "ops@example.com", "ACME_DIRECTORY": a.directory, "ACME_CA_FILE": a.roots,
		"ACME_HTTP_ADDR": "127.0.0.1:" + plainPort, "LOG_LEVEL": "debug",
	}
	if challenge == "tls-alpn-01" {
		settings["ACME_HTTP_ADDR"] = "off"
	}
	p := startChild(t, 1024, settings)
	client := a.client("127.0.0.1:" + tlsPort)
	serial := func() string {
		t.Helper()
		for deadline := time.Now().Add(acmePatience); ; time.Sleep(50 * time.Millisecond) {
			res, err := client.Get("https://" + acmeName + "/readyz")
			if err == nil {
				res.Body.Close()
				return res.TLS.PeerCertificates[0].SerialNumber.String()
			}
			if time.Now().After(deadline) {
				t.Fatalf("no certificate: %v\n%s", err, p.out)
			}
		}
	}
	first := serial()
	for _, port := range []string{plainPort, tlsPort} { // without TLS
		res, err := httpClient().Transport.RoundTrip(plainRequest(t, port))
		want := 400 // of a listener with TLS
		if port == plainPort {
			want = 308
		}
		if challenge == "tls-alpn-01" && port == plainPort {
			if err == nil {
				t.Error("ACME_HTTP_ADDR=off listens")
			}
		} else if err != nil || res.StatusCode != want {
			t.Errorf("port %s answered %v, %v; want %d", port, res, err, want)
		}
		if err == nil {
			res.Body.Close()
		}
	}
	check := &output{}
	e := environment{lookup: env(settings), stdout: check, stderr: io.Discard}
	if err := run(t.Context(), []string{"healthcheck"}, e); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
	logged := regexp.MustCompile(`"challenge":"` + challenge + `"|"challenge_type":"` + challenge + `"`)
	if out := p.out.String(); !logged.MatchString(out) || !strings.Contains(out, `"logger":"acme`) ||
		strings.Contains(out, "PRIVATE KEY") {
		t.Errorf("the log is\n%s", out)
	}
	p.terminate()
	keys, err := filepath.Glob(filepath.Join(settings["DATA_DIR"], "acme", "certificates", "*", "*", "*.key"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("the keys are %q, %v", keys, err)
	}
	if info, err := os.Stat(keys[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has %v, %v", info, err)
	}
	a.stop() // the next process needs no authority
	p = startChild(t, 1024, settings)
	if second := serial(); second != first {
		t.Errorf("after a restart the certificate is %s, was %s", second, first)
	}
	p.terminate()
}

func plainRequest(t *testing.T, port string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "http://127.0.0.1:"+port+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = acmeName
	return r
}

// authority is a running Pebble, with a DNS server that gives every name the address 127.0.0.1.
type authority struct {
	t         *testing.T
	directory string // URL
	roots     string // file: that of its own certificate, and that of those that it issues
	pool      *x509.CertPool
	stop      func()
}

func startAuthority(t *testing.T, programs, challenge, tlsPort, plainPort string) *authority {
	t.Helper()
	dir := t.TempDir()
	dns, management, listen, admin := freePort(t), freePort(t), freePort(t), freePort(t)
	if challenge == "http-01" {
		tlsPort = "1" // nobody answers TLS-ALPN-01
	}
	root := writeOwnCertificate(t, dir)
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + listen, "managementListenAddress": "127.0.0.1:" + admin,
		"certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": json.Number(plainPort), "tlsPort": json.Number(tlsPort),
		"profiles": map[string]any{"default": map[string]any{
			"description": "the only one", "validityPeriod": 90 * 24 * 3600}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pebble.json"), string(settings))
	ctx, stop := context.WithCancel(t.Context())
	command := func(name string, args ...string) {
		out := &output{}
		cmd := exec.CommandContext(ctx, filepath.Join(programs, name), args...)
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			stop()
			_ = cmd.Wait()
			if t.Failed() {
				t.Log(out)
			}
		})
	}
	command("pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "",
		"-https01", "", "-tlsalpn01", "", "-doh", "", "-dnsserver", "127.0.0.1:"+dns,
		"-management", "127.0.0.1:"+management)
	command("pebble", "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", "127.0.0.1:"+dns)
	a := &authority{t: t, directory: "https://127.0.0.1:" + listen + "/dir", stop: stop,
		pool: x509.NewCertPool(), roots: filepath.Join(dir, "roots.pem")}
	a.pool.AppendCertsFromPEM(root)
	issued := a.issuing("https://127.0.0.1:" + admin + "/roots/0")
	a.pool.AppendCertsFromPEM(issued)
	write(t, a.roots, string(root)+string(issued))
	return a
}

// issuing returns the root of the certificates that the authority issues.
func (a *authority) issuing(url string) []byte {
	a.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: a.pool}}}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		res, err := client.Get(url)
		if err == nil {
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil || !bytes.Contains(text, []byte("BEGIN CERTIFICATE")) {
				a.t.Fatalf("the root is %q, %v", text, err)
			}
			return text
		}
		if time.Now().After(deadline) {
			a.t.Fatal(err)
		}
	}
}

// client returns a client that verifies certificates of the authority, and finds every name at an
// address.
func (a *authority) client(address string) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: a.pool},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}}
}

// writeOwnCertificate writes the certificate of the authority's own listener, and returns it.
func writeOwnCertificate(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(dir, "cert.pem"), string(text))
	write(t, filepath.Join(dir, "key.pem"),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return text
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
