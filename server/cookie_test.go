package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Over plain HTTP, except to localhost, a browser sends neither Origin nor Sec-Fetch-Site with a
// GET to the page's own host. Then the Referer names the page of a cookie, on every transport. The
// host of the page may differ from the Host header, which a proxy can change.
func TestCookieOverPlainHTTP(t *testing.T) {
	t.Parallel()
	base := tokenStack(t)
	cookie := "Cookie: auth_token=" + servertest.TokenFor(t, time.Now().Add(time.Hour))
	for _, c := range []struct {
		headers  string
		accepted bool
	}{
		{"Host: intranet.test\nReferer: http://intranet.test/page?a=b", true},
		{"Host: intranet.test:8080\nReferer: http://intranet.test:8080/", true},
		{"Host: 10.1.2.3\nReferer: https://app.example/page", true},
		{"Host: 10.1.2.3\nReferer: https://APP.example", true},
		{"Host: intranet.test", false}, // Referrer-Policy: no-referrer
		{"Host: intranet.test\nReferer: http://evil.test/http://intranet.test/", false},
		{"Host: intranet.test\nReferer: http://intranet.test@evil.test/", false},
		{"Host: intranet.test\nReferer: http://user@intranet.test/", false},
		{"Host: intranet.test\nReferer: http://intranet.test.evil.test/", false},
		{"Host: intranet.test\nReferer: http://intranet.test:81/", false},
		{"Host: intranet.test\nReferer: intranet.test", false},
		{"Host: intranet.test\nReferer: about:client", false},
		{"Host: intranet.test\nReferer: ftp://intranet.test/", false},
		{"Host: intranet.test\nReferer: http://intranet.test/\nSec-Fetch-Site: cross-site", false},
		{"Host: intranet.test\nReferer: https://app.example/\nSec-Fetch-Site: none", false},
	} {
		headers := append(strings.Split(c.headers, "\n"), cookie)
		status := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[c.accepted]
		for _, path := range []string{"/sse", "/api/sse"} {
			// HEAD has the headers of the stream only.
			if res, _ := servertest.Do(t, "HEAD", base+path, "",
				headers...); res.StatusCode != status {
				t.Errorf("%s with %q: %d, want %d", path, c.headers, res.StatusCode, status)
			}
		}
		if c.accepted {
			status = http.StatusCreated
		}
		if res, text := servertest.Do(t, "POST", base+"/sse/tickets", "",
			headers...); res.StatusCode != status {
			t.Errorf("ticket with %q: %d %s, want %d", c.headers, res.StatusCode, text, status)
		}
		if got := pollConnect(t, base, headers); strings.HasPrefix(got, "40{") != c.accepted {
			t.Errorf("polling with %q: %s", c.headers, got)
		}
	}
}

// pollConnect opens a session by polling and returns the reply to its CONNECT.
func pollConnect(t *testing.T, base string, headers []string) string {
	t.Helper()
	url := base + "/socket.io/?EIO=4&transport=polling"
	_, open := servertest.Do(t, "GET", url, "", headers...)
	_, sid, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	url += "&sid=" + sid
	res, text := servertest.Do(t, "POST", url, "40", headers...)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("CONNECT: %d %s", res.StatusCode, text)
	}
	_, reply := servertest.Do(t, "GET", url, "", headers...)
	return reply
}
