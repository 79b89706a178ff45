package server

import (
	"crypto/tls"
	"net/http"
	"os"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// newParts returns the options of a service in open mode.
func newParts(t *testing.T) Options {
	t.Helper()
	hub := servertest.NewHub(t)
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	sockets, streams := socketio.DefaultOptions(), sse.DefaultOptions()
	sockets.Hub, sockets.Auth, streams.Hub, streams.Auth = hub, authenticator, hub, authenticator
	o := DefaultOptions()
	o.Hub = hub
	if o.SocketIO, err = socketio.New(sockets); err != nil {
		t.Fatal(err)
	}
	if o.Streams, err = sse.New(streams); err != nil {
		t.Fatal(err)
	}
	return o
}

// A reload replaces the certificate for the next handshakes, the API keys and the admin key. An
// unreadable certificate changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	o := newParts(t)
	o.CertFile, o.KeyFile, _ = writeCertificate(t)
	o.APIKeys = []string{servertest.Key}
	o.Admin = AdminOptions{Addr: "127.0.0.1:0", Key: adminKey}
	s := New(o)
	at := listening(t, s)
	serial := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return string(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	knows := func(key string) bool {
		t.Helper()
		r, err := http.NewRequest("GET", "https://"+at+"/v1/stats", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", key)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}

	first, next := serial(), o
	next.CertFile, next.KeyFile, _ = writeCertificate(t)
	next.APIKeys = []string{"another-key-of-at-least-32-bytes-1"}
	if err := s.Reload(next); err != nil {
		t.Fatal(err)
	}
	second := serial()
	if second == first {
		t.Error("the certificate is the same")
	}
	if knows(servertest.Key) || !knows(next.APIKeys[0]) {
		t.Error("the API keys are the same")
	}
	bad := o
	bad.CertFile = next.KeyFile
	if err := os.WriteFile(next.CertFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{bad, next} {
		if err := s.Reload(o); err == nil {
			t.Error("an unreadable certificate was accepted")
		}
	}
	if serial() != second || knows(servertest.Key) {
		t.Error("a reload that failed has changed something")
	}
}
