package engineio

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// FuzzHandshake: every request without a session opens one, or gets an error of the protocol.
func FuzzHandshake(f *testing.F) {
	for _, seed := range [][5]string{
		{"GET", "EIO=4&transport=polling", "", "", ""},
		{"GET", "EIO=3&transport=polling", "", "", ""},
		{"GET", "EIO=4&transport=websocket", "websocket", "a, b", ""},
		{"GET", "EIO=4&transport=websocket", "WebSocket", "a,a,\x00", ""},
		{"GET", "EIO=4&transport=polling&sid=x", "", "", ""},
		{"GET", "EIO=4&EIO=3&transport=polling&transport=x&j=0&b64=1", "", "", ""},
		{"POST", "EIO=4&transport=polling", "", "", "40"},
		{"POST", "EIO=4&transport=polling&sid=" + strings.Repeat("s", 9000), "", "", "\x1e\x1e"},
		{"PUT", "transport=webtransport", "h2c", "", ""}, {"OPTIONS", ";;;&&&=%zz", "", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	s := New(Options{Accept: func(*Session) (Handler, error) { return nobody{}, nil }})
	f.Fuzz(func(t *testing.T, method, query, upgrade, protocol, body string) {
		if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return // net/http refuses it
		}
		r := httptest.NewRequest(method, "/socket.io/", strings.NewReader(body))
		r.URL.RawQuery = query
		if upgrade != "" {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", upgrade)
			r.Header.Set("Sec-Websocket-Version", "13")
			r.Header.Set("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			r.Header.Set("Sec-Websocket-Protocol", protocol)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		sessions := s.snapshot()
		for _, session := range sessions {
			session.end(ending{reason: ReasonForcedClose})
			<-session.Context().Done()
		}
		text := w.Body.String()
		switch {
		case w.Code == 200 && strings.HasPrefix(text, "0{"):
			if len(sessions) != 1 || !json.Valid([]byte(text[1:])) {
				t.Fatalf("%q opened %d sessions: %s", query, len(sessions), text)
			}
		case len(sessions) > 0:
			t.Fatalf("%q opened a session and got %d %s", query, w.Code, text)
		// A recorder cannot be taken over, which is an error of the server.
		case w.Code == 500 && upgrade != "":
		case !slices.Contains([]int{204, 400, 403, 404, 405, 426}, w.Code):
			t.Fatalf("%s %q got %d %s", method, query, w.Code, text)
		}
	})
}
