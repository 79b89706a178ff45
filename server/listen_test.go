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
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestListenPortTaken(t *testing.T) {
	t.Parallel()
	l, err := listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()
	_, err = listen(context.Background(), address)
	if !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.HasPrefix(err.Error(), "cannot listen on "+address+": the port is taken") {
		t.Errorf("%v", err)
	}
	if _, err = listen(context.Background(), "127.0.0.1:port"); err == nil ||
		!strings.HasPrefix(err.Error(), "cannot listen on 127.0.0.1:port: ") {
		t.Errorf("%v", err)
	}
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	})
	address := servertest.Run(t, newHTTPServer(handler, zap.NewNop()))
	request := func(n int) string {
		const start, end = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", "\r\n\r\n"
		return start + strings.Repeat("x", n-len(start)-len(end)) + end
	}
	const slop = 4 << 10 // net/http allows this much more
	answer := servertest.Raw(t, address, request(maxHeaderBytes))
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("16 KiB: %.100s", answer)
	}
	answer = servertest.Raw(t, address, request(maxHeaderBytes+slop+1))
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("20 KiB and a byte: %.100s", answer)
	}
	many := strings.Repeat("A: b\r\n", 4000)
	answer = servertest.Raw(t, address, "GET / HTTP/1.1\r\nHost: x\r\n"+many+"\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("4000 headers: %.100s", answer)
	}
	// The server closes the connection long before the end of a header of 1 MiB.
	if answer := servertest.Raw(t, address,
		"GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<20)); answer != "" &&
		!strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("endless: %.100s", answer)
	}
}

// The server closes connections that do not complete their header in time, and none earlier.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s of the header deadline")
	}
	address := servertest.Run(t, newHTTPServer(http.NotFoundHandler(), zap.NewNop()))
	start := time.Now()
	var wg sync.WaitGroup
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		wg.Go(func() {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(servertest.Patience))
			if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server keeps a connection without a complete header")
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took < readHeaderTimeout {
		t.Errorf("the server closed the connections after %v", took)
	}
}

func TestServerTimeouts(t *testing.T) {
	t.Parallel()
	s := newHTTPServer(http.NotFoundHandler(), zap.NewNop())
	if s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.ReadHeaderTimeout != 5*time.Second ||
		s.IdleTimeout != 75*time.Second || s.ErrorLog == nil {
		t.Errorf("%+v", s)
	}
}

// A TLS port serves HTTP/2 to clients that offer it, and websockets over HTTP/1.1.
func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := writeCertificate(t)
	l, err := listen(context.Background(), "127.0.0.1:0")
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
	go func() { done <- serveTLS(s, l, certFile, keyFile) }()
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
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
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
