package edge

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// FuzzForwardedFor: the header decides nothing when the connection is not from a trusted proxy, and
// whatever a client writes to the left of the address that the proxy adds does not count. The id
// of a request has only characters that are harmless in a log.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"1.2.3.4", "id-1"}, {"1.2.3.4, 10.0.0.1", "a\nb"}, {"::1%eth0,[::1]:80", "\xff"},
		{"for=1.2.3.4;by=10.0.0.2", strings.Repeat("x", 200)}, {"unknown", ""}, {",,,", " "},
		{"::ffff:10.0.0.1", "../../x"}, {"10.0.0.1, 10.0.0.1, 10.0.0.1", "$(id)"},
	} {
		f.Add(seed[0], seed[1])
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded, requestID string) {
		address := func(remote, header string) (ip netip.Addr, id string) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = remote
			r.Header.Set(HeaderForwardedFor, header)
			r.Header.Set(HeaderRequestID, requestID)
			WithInfo(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				ip, id = ClientIP(r), InfoOf(r).ID
			})).ServeHTTP(httptest.NewRecorder(), r)
			return ip, id
		}
		if ip, _ := address("192.0.2.1:80", forwarded); ip.String() != "192.0.2.1" {
			t.Fatalf("%q of an unknown proxy was believed: %v", forwarded, ip)
		}
		if ip, _ := address("10.0.0.1:80", forwarded+", 192.0.2.1"); ip.String() != "192.0.2.1" {
			t.Fatalf("%q of a client was believed: %v", forwarded, ip)
		}
		ip, id := address("10.0.0.1:80", forwarded)
		if !ip.IsValid() || ip.Zone() != "" || ip.Is4In6() {
			t.Fatalf("%q is the address %v", forwarded, ip)
		}
		if id == "" || strings.ContainsFunc(id, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`"'\/$`, r)
		}) {
			t.Fatalf("%q is the id %q", requestID, id)
		}
	})
}
