package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// A TLS port serves HTTP/2 to clients that offer it, and websockets over HTTP/1.1.
func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := writeCertificate(t)
	l, err := listenTCP(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	upgrader := websocket.Upgrader{}
	hub := servertest.NewHub(t)
	api := api.New(api.Options{Hub: hub, Keys: []string{servertest.Key}})
	mux := http.NewServeMux()
	mux.Handle("/v1/", api)
	mux.HandleFunc("/sse", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		for i := range 3 {
			_ = rc.SetWriteDeadline(time.Now().Add(servertest.Patience))
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
		}
		fmt.Fprintf(w, "data: %s\n\n", r.Proto)
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.WriteMessage(websocket.TextMessage, []byte(r.Proto))
	})
	s := newHTTPServer(edge.WithInfo(nil,
		edge.WithLog(zap.NewNop(), nil, edge.WithRecovery(zap.NewNop(), mux))), zap.NewNop())
	done := make(chan error, 1)
	var pair certificate
	if err := pair.load(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	go func() { done <- serveTLS(s, l, pair.config()) }()
	defer func() { _ = s.Close(); <-done }()
	address := l.Addr().String()

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool},
		ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	two := &http.Client{Transport: transport, Timeout: servertest.Patience}
	res, err := two.Get("https://" + address + "/sse")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if want := "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: HTTP/2.0\n\n"; string(body) != want {
		t.Errorf("stream: %q", body)
	}
	// GET reads the history, and this one lacks a parameter.
	for method, status := range map[string]int{"POST": 200, "GET": 400} {
		r, _ := http.NewRequest(method, "https://"+address+"/v1/notifications", nil)
		if method == "POST" {
			r.Body = io.NopCloser(strings.NewReader(`{"target":{"all":true},"type":"x"}`))
		}
		r.Header.Set("X-API-Key", servertest.Key)
		r.Header.Set("Content-Type", "application/json")
		if res, err = two.Do(r); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != status || res.ProtoMajor != 2 {
			t.Errorf("%s: %d over %s", method, res.StatusCode, res.Proto)
		}
	}
	if res, err = two.Get("https://" + address + "/ws"); err != nil || res.StatusCode < 400 {
		t.Errorf("a websocket over HTTP/2: %v %v", res, err)
	} else {
		_ = res.Body.Close()
	}

	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: pool}}
	c, _, err := dialer.Dial("wss://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(servertest.Patience))
	if _, data, err := c.ReadMessage(); err != nil || string(data) != "HTTP/1.1" {
		t.Errorf("websocket: %q %v", data, err)
	}

	outdated := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}
	if old, err := tls.Dial("tcp", address, outdated); err == nil {
		_ = old.Close()
		t.Error("TLS 1.1 was accepted")
	}
	// Plain HTTP on the TLS port gets an error instead of no response.
	plain, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_ = plain.SetDeadline(time.Now().Add(servertest.Patience))
	_, _ = io.WriteString(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	line, _ := bufio.NewReader(plain).ReadString('\n')
	if !strings.HasPrefix(line, "HTTP/1.0 400 ") {
		t.Errorf("plain: %q", line)
	}
}

func writeCertificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter:    time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"),
		filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}
