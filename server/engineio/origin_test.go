package engineio

import (
	"net/http"
	"strings"
	"testing"
)

func TestOriginIsCheckedFirst(t *testing.T) {
	f := serve(t, Options{CheckOrigin: func(r *http.Request) bool {
		o := r.Header.Get("Origin")
		return o == "" || o == "https://good.com"
	}})
	sid, _ := f.open()
	for _, origin := range []string{"null", "https://evil.com", "http://good.com",
		"https://good.com:8443", "https://good.com.evil.com",
		"https://good.com@evil.com", "https://evil.com/good.com", "good.com", "https://xgood.com"} {
		for _, query := range []string{"&transport=polling", "&transport=websocket", sid} {
			f.expect(f.do("GET", query, nil, "Origin", origin, "Connection", "Upgrade", "Upgrade",
				"websocket", "Sec-WebSocket-Version", "13",
				"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), 403,
				`{"code":4,"message":"Forbidden"}`)
		}
	}
	if a := f.do("GET", "&transport=polling", nil, "Origin", "https://good.com"); a.status != 200 {
		t.Errorf("allowed origin: %d %s", a.status, a.body)
	}
}

func TestDefaultAllowsTheSameOrigin(t *testing.T) {
	f := serve(t, Options{})
	host := strings.TrimPrefix(strings.TrimSuffix(f.url, "/engine.io/?EIO=4"), "http://")
	for origin, status := range map[string]int{
		"http://" + host: 200, "https://" + host: 200,
		"http://" + host + ".evil.com": 403, "http://x@" + host: 403, "null": 403, "": 200,
		"http://": 403, "%": 403, "http://localhost": 403,
	} {
		header := []string{"Origin", origin}
		if origin == "" {
			header = nil
		}
		if a := f.do("GET", "&transport=polling", nil, header...); a.status != status {
			t.Errorf("Origin %q: %d, want %d", origin, a.status, status)
		}
	}
}
