package acme

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	domain    = "push.example.com"
	directory = "https://ca.example.com/dir" // nothing is there: no test of this file asks it
	authority = "ca.example.com-dir"         // in the storage
	patience  = 20 * time.Second
)

// stored writes a file of the storage.
func stored(t *testing.T, storage, name string, text []byte) {
	t.Helper()
	name = filepath.Join(storage, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// storeCertificate writes a certificate of 90 days as an earlier process has left it.
func storeCertificate(t *testing.T, storage string) (der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	at := "certificates/" + authority + "/" + domain + "/" + domain
	stored(t, storage, at+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	stored(t, storage, at+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	stored(t, storage, at+".json", []byte(`{"sans":["`+domain+`"]}`))
	return der
}

// newStorage returns a directory. What certmagic does in the background can outlive Close for a moment,
// so a file that appears during the removal is no failure.
func newStorage(t *testing.T) string {
	t.Helper()
	storage, err := os.MkdirTemp("", "acme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(storage) })
	return storage
}

// start returns a Manager that has loaded the certificate of its storage.
func start(t *testing.T, storage string) *Manager {
	t.Helper()
	m := New(Options{Domains: []string{domain}, Directory: directory, Storage: storage})
	t.Cleanup(m.Close)
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
	if err := m.Start(at, at); err != nil {
		t.Fatal(err)
	}
	return m
}

// handshake returns the certificate for a name.
func handshake(m *Manager, name string) ([]byte, error) {
	server, client := net.Pipe()
	ended := make(chan error, 1)
	secure := tls.Server(server, m.TLSConfig())
	go func() { ended <- secure.Handshake() }()
	conn := tls.Client(client, &tls.Config{ServerName: name, InsecureSkipVerify: true,
		NextProtos: []string{"h2"}})
	_ = client.SetDeadline(time.Now().Add(patience))
	_ = server.SetDeadline(time.Now().Add(patience))
	err := conn.Handshake()
	if err == nil && conn.ConnectionState().NegotiatedProtocol != "h2" {
		err = io.ErrUnexpectedEOF
	}
	state := conn.ConnectionState()
	_ = client.Close()
	<-ended
	_ = server.Close()
	if err != nil {
		return nil, err
	}
	return state.PeerCertificates[0].Raw, nil
}

// A certificate in the storage is used without asking the authority, for its name and for clients
// without a name, and for no other.
func TestStoredCertificate(t *testing.T) {
	t.Parallel()
	storage := newStorage(t)
	der := storeCertificate(t, storage)
	m := start(t, storage)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got, err := handshake(m, domain)
		if err == nil && bytes.Equal(got, der) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the handshake: %v", err)
		}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil || !m.Expires().Equal(leaf.NotAfter) {
		t.Errorf("expires %v, want %v", m.Expires(), leaf.NotAfter)
	}
	if got, err := handshake(m, ""); err != nil || !bytes.Equal(got, der) {
		t.Errorf("without a name: %v", err)
	}
	if _, err := handshake(m, "other.example.com"); err == nil {
		t.Error("another name got a certificate")
	}
}

// Without TLS there are redirects of pages to the own names, and nothing else.
func TestRedirects(t *testing.T) {
	t.Parallel()
	storage := newStorage(t)
	storeCertificate(t, storage)
	running := start(t, storage)
	idle := New(Options{Domains: []string{domain}, Directory: directory, Storage: newStorage(t)})
	t.Cleanup(idle.Close)
	if at := idle.Expires(); !at.IsZero() {
		t.Errorf("without a certificate it expires %v", at)
	}
	for _, m := range []*Manager{running, idle} { // a request may come before Start
		for _, tt := range []struct {
			method, host, target string
			status               int
			location             string
		}{
			{"GET", domain, "/a//b?c=%2F", 308, "https://push.example.com/a//b?c=%2F"},
			{"HEAD", "PUSH.example.com.:80", "/", 308, "https://push.example.com/"},
			{"GET", domain + ":8080", "//evil.example/x", 308, "https://push.example.com//evil.example/x"},
			{"GET", domain, "/.well-known/acme-challenge/none", 308,
				"https://push.example.com/.well-known/acme-challenge/none"},
			{"GET", domain, "x:.evil.example/", 400, ""},
			{"POST", domain, "/v1/notifications", 403, ""},
			{"OPTIONS", domain, "/", 403, ""},
			{"GET", "evil.example", "/", 421, ""},
			{"GET", "127.0.0.1", "/", 421, ""},
			{"GET", "[::1]:80", "/", 421, ""},
		} {
			r := httptest.NewRequest(tt.method, "/", nil)
			r.URL.Path, r.Host = tt.target, tt.host
			if opaque, is := strings.CutPrefix(tt.target, "x:"); is { // a target that is no path
				r.URL = &url.URL{Scheme: "x", Opaque: opaque}
			} else if u, err := r.URL.Parse("http://x" + tt.target); err == nil {
				r.URL.Path, r.URL.RawQuery = u.Path, u.RawQuery
			}
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Errorf("%s %s%s: %d to %q, want %d to %q", tt.method, tt.host, tt.target, w.Code,
					w.Header().Get("Location"), tt.status, tt.location)
			}
		}
	}
}

// Nodes that share a storage answer the challenges of each other, for the name of the challenge only.
func TestChallengeOfAnotherNode(t *testing.T) {
	t.Parallel()
	storage := newStorage(t)
	storeCertificate(t, storage)
	stored(t, storage, "acme/"+authority+"/challenge_tokens/"+domain+".json", []byte(`{"type":"http-01",`+
		`"token":"tok","keyAuthorization":"tok.thumb","identifier":{"type":"dns","value":"`+domain+`"}}`))
	m := start(t, storage)
	ask := func(host, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		return w
	}
	if w := ask(domain, "/.well-known/acme-challenge/tok"); w.Code != 200 || w.Body.String() != "tok.thumb" {
		t.Errorf("the challenge was answered %d %q", w.Code, w.Body)
	}
	for _, w := range []*httptest.ResponseRecorder{
		ask(domain, "/.well-known/acme-challenge/other"),
		ask("evil.example", "/.well-known/acme-challenge/tok"),
	} {
		if w.Code == 200 || bytes.Contains(w.Body.Bytes(), []byte("thumb")) {
			t.Errorf("another request was answered %d %q", w.Code, w.Body)
		}
	}
}
