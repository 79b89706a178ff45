package edge

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.9:1", nil, "192.0.2.9"},
		{"192.0.2.9:1", []string{"1.1.1.1"}, "192.0.2.9"}, // not a trusted proxy
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"1.1.1.1"}, "1.1.1.1"},
		{"10.0.0.1:1", []string{"8.8.8.8, 1.1.1.1"}, "1.1.1.1"},
		{"10.0.0.1:1", []string{"8.8.8.8", "1.1.1.1,10.0.0.2"}, "1.1.1.1"},
		{"10.0.0.1:1", []string{"8.8.8.8, 10.0.0.3, 10.0.0.2"}, "8.8.8.8"},
		{"10.0.0.1:1", []string{"10.0.0.3"}, "10.0.0.3"},
		{"10.0.0.1:1", []string{"8.8.8.8, garbage"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"1.1.1.1:555"}, "1.1.1.1"},
		{"[fd00::1%eth0]:1", []string{"[2001:db8::1]:555"}, "2001:db8::1"},
		{"[::ffff:10.0.0.1]:1", []string{"::ffff:1.1.1.1"}, "1.1.1.1"},
		{"@", []string{"1.1.1.1"}, "invalid IP"},
	} {
		var got netip.Addr
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.remote
		r.Header["X-Forwarded-For"] = tc.forwarded
		WithInfo(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = ClientIP(r) })).ServeHTTP(httptest.NewRecorder(), r)
		if got.String() != tc.want {
			t.Errorf("%s %q: %s, want %s", tc.remote, tc.forwarded, got, tc.want)
		}
	}
}
