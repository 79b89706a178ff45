package server

import (
	"context"
	"net"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/server/servertest"
)

const adminKey = "an-admin-key-of-at-least-32-bytes"

// startTestAdmin starts an admin listener and returns its base URL.
func startTestAdmin(t *testing.T, o AdminOptions) string {
	t.Helper()
	s := New(Options{Hub: servertest.NewHub(t), Admin: o})
	a, err := s.startAdmin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return "http://" + a.addr.String()
}

func TestAdminListener(t *testing.T) {
	t.Parallel()
	base := startTestAdmin(t, AdminOptions{Addr: "127.0.0.1:0", Pprof: true})
	for path, want := range map[string]string{
		"/metrics": "\nroomcast_users 0\n", "/livez": `{"status":"ok"}`,
		"/readyz":       `{"status":"ready"}`,
		"/debug/pprof/": "heap", "/debug/pprof/goroutine?debug=1": "goroutine profile",
		"/debug/pprof/symbol": "num_symbols",
	} {
		res, text := servertest.Do(t, "GET", base+path, "")
		if res.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %.200s", path, res.StatusCode, text)
		}
	}
	for _, path := range []string{
		"/", "/v1/stats", "/debug/pprof/cmdline", "/debug/vars",
		"/socket.io/",
	} {
		if res, text := servertest.Do(t, "GET", base+path, ""); res.StatusCode != 404 ||
			!strings.Contains(text, `"code":"not_found"`) {
			t.Errorf("%s: %d %.200s", path, res.StatusCode, text)
		}
	}
	if res, _ := servertest.Do(t, "POST", base+"/metrics", ""); res.StatusCode != 405 {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// DNS rebinding: a page whose name resolves to this machine can send requests, but with its own
// name in Host.
func TestAdminListenerRefusesOtherHosts(t *testing.T) {
	t.Parallel()
	base := startTestAdmin(t, AdminOptions{Addr: "127.0.0.1:0"})
	address := strings.TrimPrefix(base, "http://")
	_, port, _ := net.SplitHostPort(address)
	for host, status := range map[string]string{
		address: "200", "localhost:" + port: "200", "LocalHost": "200", "[::1]:" + port: "200",
		"localhost.:" + port: "200", "app.localhost": "200", "127.0.0.1.nip.io": "403",
		"localhost.evil.example": "403", "xlocalhost": "403",
		"evil.example:" + port: "403", "evil.example": "403",
		"localhost.evil.example:" + port: "403",
	} {
		answer := servertest.Raw(t, address,
			"GET /metrics HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 "+status) {
			t.Errorf("%s: %.200q", host, answer)
		}
	}
	if res, _ := servertest.Do(t, "GET", base+"/debug/pprof/", ""); res.StatusCode != 404 {
		t.Errorf("profiles that are not enabled: %d", res.StatusCode)
	}
}

func TestAdminKey(t *testing.T) {
	t.Parallel()
	base := startTestAdmin(t, AdminOptions{Addr: "127.0.0.1:0", Key: adminKey, Pprof: true})
	for authorization, status := range map[string]int{
		"": 401, "Basic " + adminKey: 401, "Bearer": 403, "Bearer " + servertest.Key: 403,
		"Bearer " + adminKey + "x": 403,
		"Bearer " + adminKey:       200, "bearer  " + adminKey: 200,
	} {
		for _, path := range []string{"/metrics", "/debug/pprof/", "/livez"} {
			res, text := servertest.Do(t, "GET", base+path, "", "Authorization: "+authorization)
			if res.StatusCode != status || strings.Contains(text, adminKey) {
				t.Errorf("%s with %q: %d %.200s", path, authorization, res.StatusCode, text)
			}
		}
	}
}

// A reload without a key lets nobody in: an empty key is not a key.
func TestReloadWithoutAnAdminKey(t *testing.T) {
	t.Parallel()
	s := New(Options{Hub: servertest.NewHub(t),
		Admin: AdminOptions{Addr: "127.0.0.1:0", Key: adminKey}})
	a, err := s.startAdmin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	if err := s.Reload(Options{}); err != nil {
		t.Fatal(err)
	}
	for _, authorization := range []string{"Bearer", "Bearer ", "Bearer " + adminKey} {
		res, text := servertest.Do(t, "GET", "http://"+a.addr.String()+"/metrics", "",
			"Authorization: "+authorization)
		if res.StatusCode != 403 {
			t.Errorf("%q: %d %.200s", authorization, res.StatusCode, text)
		}
	}
}

// Too many wrong keys get 429, with the same address the right key is still accepted.
func TestAdminKeyFailures(t *testing.T) {
	t.Parallel()
	base := startTestAdmin(t, AdminOptions{Addr: "127.0.0.1:0", Key: adminKey})
	get := func(key string, status int) {
		t.Helper()
		res, text := servertest.Do(t, "GET", base+"/livez", "", "Authorization: Bearer "+key)
		if res.StatusCode != status || (res.Header.Get("Retry-After") != "") != (status == 429) {
			t.Errorf("%d %v %s, want %d", res.StatusCode, res.Header, text, status)
		}
	}
	for range 10 {
		get("wrong", 403)
	}
	get("wrong", 429)
	get(adminKey, 200)
	get("wrong", 429)
}

func TestAdminListenerErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	logged, logs := observer.New(zapcore.WarnLevel)
	start := func(o AdminOptions) error {
		a, err := New(Options{Hub: servertest.NewHub(t), Admin: o,
			Log: zap.New(logged)}).startAdmin(context.Background())
		a.close()
		return err
	}
	address := taken.Addr().String()
	if err := start(AdminOptions{Addr: address}); err == nil ||
		!strings.Contains(err.Error(), "cannot listen on "+address+
			": the port is taken, set another one with ADMIN_ADDR") {
		t.Errorf("a taken port: %v", err)
	}
	if err := start(AdminOptions{Addr: address, Optional: true}); err != nil || logs.Len() != 1 {
		t.Errorf("a taken port with Optional: %v, %d warnings", err, logs.Len())
	}
	if err := start(AdminOptions{Addr: "0.0.0.0:0", Pprof: true}); err == nil ||
		!strings.Contains(err.Error(), "set ADMIN_KEY") {
		t.Errorf("all addresses without a key: %v", err)
	}
	if err := start(AdminOptions{Addr: "0.0.0.0:0", Key: adminKey}); err != nil {
		t.Errorf("all addresses with a key: %v", err)
	}
	if err := start(AdminOptions{Addr: "192.0.2.1:1", Key: adminKey}); err == nil ||
		!strings.Contains(err.Error(), "(ADMIN_ADDR)") {
		t.Errorf("an address of another machine: %v", err)
	}
	if err := start(AdminOptions{}); err != nil {
		t.Errorf("no address: %v", err)
	}
}

// The main listener, which everyone can reach, serves nothing for operators.
func TestMainListenerServesNothingForOperators(t *testing.T) {
	s := newServiceStack(t, nil)
	for _, path := range []string{
		"/metrics", "/metrics/", "/prometheus", "/stats", "/status", "/health", "/healthz",
		"/health/details", "/admin", "/admin/",
		"/admin/metrics", "/api/metrics", "/api/admin", "/api/debug", "/actuator", "/actuator/env",
		"/actuator/prometheus", "/debug",
		"/debug/", "/debug/vars", "/debug/pprof", "/debug/pprof/", "/debug/pprof/heap",
		"/debug/pprof/goroutine", "/debug/pprof/profile",
		"/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/trace", "/debug/requests",
		"/debug/events", "/pprof", "/pprof/heap",
		"/expvar", "/vars", "/config", "/env", "/info", "/server-status", "/trace", "/.env",
		"//metrics", "/%6detrics", "/console/../metrics",
	} {
		res, text := servertest.Do(t, "GET", "http://"+s.Base+path, "")
		if res.StatusCode != 404 || strings.Contains(text, "roomcast_") ||
			strings.Contains(text, "goroutine") {
			t.Errorf("%s: %d %.100s", path, res.StatusCode, text)
		}
	}
}
