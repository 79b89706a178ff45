package socketio

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

const unknownSession = `{"code":1,"message":"Session ID unknown"}`

// thief sends requests for the polling session of another client.
type thief struct {
	t    *testing.T
	base string
	sid  string
}

// request sends one request from a loopback address and returns the status and the body.
func (f thief) request(from, method, query, body string, headers ...string) (int, string) {
	f.t.Helper()
	dialer := &net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)),
		Timeout:   servertest.Patience,
	}
	client := &http.Client{Timeout: servertest.Patience, Transport: &http.Transport{
		DialContext: dialer.DialContext, DisableKeepAlives: true,
	}}
	url := "http://" + f.base + "/socket.io/?EIO=4&sid=" + f.sid + query
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	res, err := client.Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, query, err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, ""
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

// pollUntil polls until want arrives, and returns everything that arrived. A poll returns the
// packets that are there, which may be fewer than the test waits for.
func (f thief) pollUntil(want, from, query string, headers ...string) (received string) {
	f.t.Helper()
	for !strings.Contains(received, want) {
		status, text := f.request(from, "GET", query+"&transport=polling", "", headers...)
		if status != http.StatusOK {
			f.t.Fatalf("GET%s: %d %s, after %s", query, status, text, received)
		}
		received += text
	}
	return received
}

var upgradeHeaders = []string{"Connection: Upgrade", "Upgrade: websocket",
	"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}

// tries sends a GET, a POST and the WebSocket of an upgrade.
func (f thief) tries(from, query string, headers ...string) (statuses [3]int, bodies [3]string) {
	f.t.Helper()
	query += "&transport="
	statuses[0], bodies[0] = f.request(from, "GET", query+"polling", "", headers...)
	statuses[1], bodies[1] = f.request(from, "POST", query+"polling", `42["join-room","x"]`,
		headers...)
	statuses[2], bodies[2] = f.request(from, "GET", query+"websocket", "",
		append(upgradeHeaders, headers...)...)
	return statuses, bodies
}

// refused fails the test if one of the requests has an effect.
func (f thief) refused(name, from, query string, headers ...string) {
	f.t.Helper()
	statuses, bodies := f.tries(from, query, headers...)
	for i, kind := range []string{"GET", "POST", "upgrade"} {
		if statuses[i] != http.StatusBadRequest || bodies[i] != unknownSession {
			f.t.Errorf("%s: %s: %d %s", name, kind, statuses[i], bodies[i])
		}
	}
}

// sidOf returns the session id of an OPEN packet.
func sidOf(open string) string {
	_, sid, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	return sid
}

func tokenOf(t *testing.T, user string, end time.Duration) string {
	return servertest.SignHS256(t, servertest.Secret, map[string]any{
		"sub": user, "exp": time.Now().Add(end).Unix(), "channels": []string{"*"},
	})
}

func newTokenStack(t *testing.T, tickets *auth.Tickets) *testStack {
	t.Helper()
	return newStack(t, func(o *Options) {
		o.Auth, _ = auth.New(auth.Options{Secret: auth.Secret(servertest.Secret), Tickets: tickets})
		o.Limits = limit.New(limit.Options{MaxConnections: 1000, AuthFailures: 1000})
	})
}

// A session on HTTP long-polling belongs to the credentials of its handshake. Its id alone, with
// the credentials of another user, or with wrong ones, is as good as an unknown id, on every kind
// of request, and the session does not notice.
func TestStolenSession(t *testing.T) {
	t.Parallel()
	start := time.Now()
	tickets := auth.NewTickets(func() time.Time { return start }) // none expires on a slow machine
	s := newTokenStack(t, tickets)
	own, renewed := tokenOf(t, "u1", time.Hour), tokenOf(t, "u1", 2*time.Hour)
	other := tokenOf(t, "u2", time.Hour)
	newTicket := func(user string) string {
		ticket, _, err := tickets.Issue(user, "", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	const page = "Sec-Fetch-Site: same-origin"
	bearer := func(token string) []string { return []string{"Authorization: Bearer " + token} }
	cookie := func(token string) []string { return []string{"Cookie: auth_token=" + token, page} }
	foreign := newTicket("u1") // it must not be used up
	for _, c := range []struct {
		name, query string
		headers     []string
		renewed     []string // headers with another token of the user; nil: not possible
	}{
		{"header", "", bearer(own), bearer(renewed)},
		{"cookie", "", cookie(own), cookie(renewed)},
		{"query", "&token=" + own, nil, nil},
		{"ticket", "&ticket=" + newTicket("u1"), nil, nil},
	} {
		owner := thief{t, s.Base, ""}
		status, open := owner.request("127.0.0.1", "GET", c.query+"&transport=polling", "",
			c.headers...)
		owner.sid = sidOf(open)
		if status != http.StatusOK || owner.sid == "" {
			t.Fatalf("%s: handshake: %d %s", c.name, status, open)
		}
		attack := func() {
			t.Helper()
			for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
				name := c.name + " from " + from
				owner.refused(name+", other header", from, "", bearer(other)...)
				owner.refused(name+", wrong header", from, "", bearer("x")...)
				owner.refused(name+", other cookie", from, "", append(cookie(other),
					bearer(other)...)...)
				owner.refused(name+", other query", from, "&token="+other)
				owner.refused(name+", other ticket", from, "&ticket="+foreign,
					"Authorization: Bearer "+other)
			}
			owner.refused(c.name+", nothing", "127.0.0.2", "")
			owner.refused(c.name+", user id", "127.0.0.2", "&userId=u1")
			owner.refused(c.name+", other ticket alone", "127.0.0.2", "&ticket="+foreign)
		}
		mustPost := func(packet string, headers []string) {
			t.Helper()
			if status, text := owner.request("127.0.0.1", "POST", c.query+"&transport=polling",
				packet, headers...); status != http.StatusOK {
				t.Fatalf("%s: POST: %d %s", c.name, status, text)
			}
		}
		poll := func(want string, headers []string) string {
			t.Helper()
			return owner.pollUntil(want, "127.0.0.1", c.query, headers...)
		}
		attack() // before CONNECT
		mustPost("40", c.headers)
		attack() // while the answer to CONNECT waits
		if text := poll(`"userId":"u1"`, c.headers); !strings.Contains(text, "40{") {
			t.Errorf("%s: the client got %s", c.name, text)
		}
		if c.renewed != nil {
			mustPost(`42["ping"]`, c.renewed)
			poll("pong", c.renewed)
			attack()
			mustPost(`42["ping"]`, c.headers) // the former one is valid, too
			poll("pong", c.headers)
		}
		if joined := s.Hub.Match([]string{"x"}, nil); len(joined) != 0 {
			t.Errorf("%s: a thief has joined a channel as the client", c.name)
		}
		mustPost("1", c.headers)
	}
	if _, err := s.sio.opts.Auth.Authenticate(t.Context(),
		auth.Credentials{Ticket: foreign}, auth.SocketIO); err != nil {
		t.Errorf("an attempt has used up a ticket: %v", err)
	}
}
