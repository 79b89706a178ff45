package socketio

import (
	"net/http"
	"testing"
	"time"
)

// A browser cannot send the Authorization header with the WebSocket of an upgrade. Without it, the
// address of the handshake counts.
func TestUpgradeWithoutHeader(t *testing.T) {
	t.Parallel()
	s := newTokenStack(t, nil)
	own, other := tokenOf(t, "u1", time.Hour), tokenOf(t, "u2", time.Hour)
	for _, c := range []struct {
		name, from string
		headers    []string
		status     int
	}{
		{"another address", "127.0.0.2", nil, http.StatusBadRequest},
		{"another address with a cookie", "127.0.0.2", []string{"Cookie: auth_token=" + other},
			http.StatusBadRequest},
		{"another user", "127.0.0.1", []string{"Authorization: Bearer " + other},
			http.StatusBadRequest},
		{"the same address", "127.0.0.1", nil, http.StatusSwitchingProtocols},
		{"another address with the header", "127.0.0.2", []string{"Authorization: Bearer " + own},
			http.StatusSwitchingProtocols},
	} {
		poll := thief{t, s.Base, ""}
		_, open := poll.request("127.0.0.1", "GET", "&transport=polling", "",
			"Authorization: Bearer "+own)
		poll.sid = sidOf(open)
		status, text := poll.request(c.from, "GET", "&transport=websocket", "",
			append(upgradeHeaders, c.headers...)...)
		if status != c.status {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
		poll.request("127.0.0.1", "POST", "&transport=polling", "1", "Authorization: Bearer "+own)
	}
}

// A client that authenticates by the payload of CONNECT is not bound to what its requests carry
// besides, such as the cookie of another application with the same name, which may change at any
// time.
func TestSessionOfPayload(t *testing.T) {
	t.Parallel()
	s := newTokenStack(t, nil)
	for _, cookie := range []string{"", "a", "b"} {
		client := thief{t, s.Base, ""}
		var headers []string
		if cookie != "" {
			headers = []string{"Cookie: auth_token=" + cookie, "Sec-Fetch-Site: same-origin"}
		}
		_, open := client.request("127.0.0.1", "GET", "&transport=polling", "", headers...)
		client.sid = sidOf(open)
		payload := `40{"token":"` + tokenOf(t, "u1", time.Hour) + `"}`
		if status, text := client.request("127.0.0.1", "POST", "&transport=polling", payload,
			headers...); status != http.StatusOK {
			t.Fatalf("CONNECT: %d %s", status, text)
		}
		// The server reads the payload after it has answered the POST. Until then it knows only the
		// cookie of the handshake, which the first poll has.
		client.pollUntil("40{", "127.0.0.1", "", headers...)
		const another = "Cookie: auth_token=another"
		if status, text := client.request("127.0.0.2", "POST", "&transport=polling", `42["ping"]`,
			another); status != http.StatusOK {
			t.Errorf("cookie %q: POST: %d %s", cookie, status, text)
		}
		client.pollUntil(`42["pong"`, "127.0.0.2", "", another)
		client.request("127.0.0.1", "POST", "&transport=polling", "1")
	}
}
