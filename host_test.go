package main

import (
	"maps"
	"net/http"
	"testing"
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
		{"evil.example", nil, 403}, {"127.0.0.1.evil.example:3000", nil, 403},
		{"notlocalhost", nil, 403}, {"10.0.0.1", nil, 403},
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
