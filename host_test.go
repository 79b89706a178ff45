package main

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Without a key a server on loopback answers no page that let its own name resolve to this machine.
func TestOpenModeChecksTheHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		host string
		env  map[string]string
		want int
	}{
		{"localhost", nil, 200}, {"127.0.0.1:3000", nil, 200}, {"[::1]:80", nil, 200},
		{"app.localhost:80", nil, 200}, {"LOCALHOST.", nil, 200},
		{"localhost:3000", nil, 200}, {"localhost.:3000", nil, 200}, {"127.9.9.9", nil, 200},
		{"[::ffff:127.0.0.1]", nil, 200},
		{"evil.example", nil, 403}, {"127.0.0.1.evil.example:3000", nil, 403},
		{"notlocalhost", nil, 403}, {"10.0.0.1", nil, 403}, {"127.0.0.1.nip.io", nil, 403},
		{"localhost.evil.example", nil, 403}, {"0.0.0.0:3000", nil, 403}, {"[::]", nil, 403},
		{"EVIL.example", nil, 403}, {"[::2]:3000", nil, 403},
		{"app.example:8080", map[string]string{"ALLOWED_ORIGINS": "http://app.example"}, 200},
		{"evil.example", map[string]string{"ALLOWED_ORIGINS": "http://app.example"}, 403},
		{"app.example", map[string]string{"JWT_SECRET": testKey, "HOST": "127.0.0.1"}, 200},
	} {
		settings := map[string]string{"DRAIN_TIMEOUT": "0s"}
		maps.Copy(settings, tt.env)
		p := start(t, settings)
		for _, path := range []string{"/sse?userId=u1", "/socket.io/?EIO=4&transport=polling", "/", "/livez"} {
			r, err := http.NewRequest("GET", p.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			r.Header.Set("Origin", "http://"+tt.host)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if refused := res.StatusCode == 403; refused != (tt.want == 403) {
				t.Errorf("Host %s with %v: %s answered %s", tt.host, tt.env, path, res.Status)
			}
		}
		p.end()
	}
}

// The check comes before every route and every other form of a request that names a host.
func TestHostOfEveryRoute(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{
		"DRAIN_TIMEOUT": "0s", "API_KEYS": testKey, "UPSTREAM_URL": "http://127.0.0.1:9",
	})
	address := strings.TrimPrefix(p.base, "http://")
	const evil = "evil.example:3000"
	for _, path := range []string{
		"/", "/console/", "/application", "/sse", "/api/sse", "/sse/", "/sse/tickets", "/sse/x/channels",
		"/sse/x/messages", "/sse/x/token", "/socket.io/?EIO=4&transport=polling", "/livez", "/readyz",
		"/api/socket.io/?EIO=4&transport=websocket", "/v1/stats", "/v1/notifications", "/v1/tickets",
		"/openapi.json", "/docs", "/metrics", "//sse",
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			head := "Connection: close\r\n"
			if strings.Contains(path, "websocket") {
				head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
					"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
			}
			head += "Authorization: Bearer " + testKey + "\r\nContent-Length: 0\r\n\r\n"
			for _, request := range []string{
				method + " " + path + " HTTP/1.1\r\nHost: " + evil + "\r\n" + head,
				method + " " + path + " HTTP/1.0\r\nHost: " + evil + "\r\n" + head,
				// The name in the request line counts (RFC 9112, section 3.2.2).
				method + " http://" + evil + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + head,
			} {
				if line := firstLine(t, address, request); !strings.Contains(line, " 403 ") {
					t.Errorf("%q: %s", request, line)
				}
			}
		}
	}
	own := "GET http://localhost/livez HTTP/1.1\r\nHost: " + evil + "\r\nConnection: close\r\n\r\n"
	if line := firstLine(t, address, own); !strings.Contains(line, " 200 ") {
		t.Errorf("%q: %s", own, line)
	}
	p.end()
}

// firstLine sends a request and returns the status line of the response.
func firstLine(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return line
}
