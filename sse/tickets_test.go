package sse

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// ask posts without a body and decodes the reply. headers has pairs of a name and a value.
func ask(t testing.TB, url string, answer any, headers ...string) (status int, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return resp.StatusCode, resp.Header
}

// A page exchanges the token in a header for a ticket and opens a stream with it.
func TestTicketFromToken(t *testing.T) { bothWays(t, testTicketFromToken) }

func testTicketFromToken(t *testing.T, w way) {
	tickets := auth.NewTickets(nil)
	r := newRig(t,
		Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret), Tickets: tickets}),
			Tickets: tickets})
	srv := r.serve(t, w)
	token := sign(t, jwt.MapClaims{"sub": "alice", "name": "Alice", "channels": []string{"team-*"}})
	for name, headers := range map[string][]string{
		"header": {"Authorization", "Bearer " + token},
		"cookie": {"Cookie", "auth_token=" + token, "Origin", srv.URL},
	} {
		var got issued
		status, header := ask(t, srv.URL+"/sse/tickets", &got, headers...)
		if status != 201 || header.Get("Cache-Control") != "no-store" || len(got.Ticket) != 43 {
			t.Fatalf("%s: %d %v %+v", name, status, header, got)
		}
		c := open(t, srv.URL+"/sse?channels=team-1,other&ticket="+got.Ticket)
		if c.hello.UserID != "alice" || c.hello.Username != "Alice" ||
			!slices.Equal(c.hello.Denied, []string{"other"}) {
			t.Errorf("%s: %+v", name, c.hello)
		}
		r.publish(t, notify.Notification{Type: "hi"}, notify.ToUser("alice"))
		c.want("hi")
		resp := get(t, t.Context(), srv.Client(), srv.URL+"/sse?ticket="+got.Ticket)
		if resp.StatusCode != 401 {
			t.Errorf("%s: the ticket a second time: %s", name, resp.Status)
		}
		c.end()
		r.awaitGone(t, 1)
	}
}

// Neither a ticket nor its stream outlives the token that it was exchanged for.
func TestTicketEndsWithItsToken(t *testing.T) {
	tickets := auth.NewTickets(nil)
	o := Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret), Tickets: tickets}),
		Tickets: tickets, Sync: -1}
	bubble(t, o, func(t *testing.T, r *rig) {
		token := sign(t, jwt.MapClaims{"sub": "alice",
			"exp": time.Now().Add(40 * time.Second).Unix()})
		id, err := o.Auth.Authenticate(t.Context(), auth.Credentials{Token: token},
			auth.EventSource)
		if err != nil {
			t.Fatal(err)
		}
		ticket, _, err := tickets.IssueFor(id, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		rec, stop := r.start("/sse?ticket=" + ticket)
		defer stop()
		synctest.Wait()
		rec.take()
		wantBytes(t, rec.after(10*time.Second),
			"event: auth:expiring\ndata: {\"type\":\"auth:expiring\",\"expiresAt\":\"TIME\"}\n\n")
		wantBytes(t, rec.after(30*time.Second),
			"event: auth:expired\ndata: {\"type\":\"auth:expired\"}\n\n")
	})
}

// A HEAD request, which link checkers and some proxies send, does not use up a ticket.
func TestHeadKeepsTheTicket(t *testing.T) {
	tickets := auth.NewTickets(nil)
	r := newRig(t, Options{Auth: newAuth(t, auth.Options{Mode: auth.ModeTicket, Tickets: tickets})})
	srv := r.serve(t, taken)
	ticket, _, err := tickets.Issue("u1", "", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, err := http.Head(srv.URL + "/sse?ticket=" + ticket)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.Status, err)
		}
		resp.Body.Close()
	}
	open(t, srv.URL+"/sse?ticket="+ticket)
}

func TestTicketRefusals(t *testing.T) {
	tickets := auth.NewTickets(nil)
	r := newRig(t,
		Options{Auth: newAuth(t, auth.Options{Mode: auth.ModeOpen, Secret: auth.Secret(testSecret),
			Tickets: tickets}), Tickets: tickets})
	srv := r.serve(t, taken)
	ticketed := newRig(t,
		Options{Auth: newAuth(t, auth.Options{Mode: auth.ModeTicket, Tickets: tickets}),
			Tickets: tickets}).serve(t, taken)
	without := newRig(t, Options{}).serve(t, taken)
	unused, _, err := tickets.Issue("alice", "", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url string
		headers   []string
		status    int
		code      string
	}{
		{"a user id in open mode", srv.URL + "/sse/tickets?userId=alice", nil, 201, ""},
		{"anonymous", srv.URL + "/sse/tickets", nil, 401, "unauthenticated"},
		{"a bad token", srv.URL + "/sse/tickets?userId=alice",
			[]string{"Authorization", "Bearer x"}, 401, "invalid_token"},
		{"a cookie of an unknown page", srv.URL + "/sse/tickets",
			[]string{"Cookie", "auth_token=" + sign(t, jwt.MapClaims{"sub": "alice"})}, 403,
			"forbidden"},
		{"another ticket", srv.URL + "/sse/tickets?ticket=" + unused, nil, 403, "forbidden"},
		{"a ticket and a token", srv.URL + "/sse/tickets?ticket=" + unused,
			[]string{"Authorization", "Bearer " + sign(t, jwt.MapClaims{"sub": "alice"})}, 403,
			"forbidden"},
		{"a ticket in ticket mode", ticketed.URL + "/sse/tickets?ticket=" + unused, nil, 403,
			"forbidden"},
		{"a user id in ticket mode", ticketed.URL + "/sse/tickets?userId=alice", nil, 401,
			"unauthenticated"},
		{"no tickets here", without.URL + "/sse/tickets?userId=alice", nil, 404, "not_found"},
	} {
		var got struct{ Code string }
		if status, _ := ask(t, c.url, &got, c.headers...); status != c.status ||
			got.Code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, got.Code, c.status, c.code)
		}
	}
	open(t, ticketed.URL+"/sse?ticket="+unused) // the refused requests have not used it
	resp := get(t, t.Context(), srv.Client(), srv.URL+"/sse/tickets")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}
