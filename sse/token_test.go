package sse

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// renewal posts a token for a running stream.
func renewal(t testing.TB, h http.Handler, clientID, token string) *httptest.ResponseRecorder {
	t.Helper()
	body, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/sse/"+clientID+"/token",
		strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

var clientIDs = regexp.MustCompile(`"clientId":"([A-Za-z0-9]{20})"`)

// A new token changes the end of the stream. Each end has its own warning.
func TestTokenRenewal(t *testing.T) {
	o := Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)}), Sync: -1}
	bubble(t, o, func(t *testing.T, r *rig) {
		begin := time.Now()
		token := func(end time.Duration) string {
			return sign(t, jwt.MapClaims{"sub": "alice", "exp": begin.Add(end).Unix()})
		}
		rec, stop := r.start("/sse?token=" + token(time.Minute))
		defer stop()
		synctest.Wait()
		clientID := clientIDs.FindStringSubmatch(rec.take())[1]
		expiring := "event: auth:expiring\ndata: {\"type\":\"auth:expiring\"," +
			"\"expiresAt\":\"TIME\"}\n\n"
		wantBytes(t, rec.after(30*time.Second), expiring)

		answer := renewal(t, r.routes(), clientID, token(10*time.Minute))
		want := `{"expiresAt":"2000-01-01T00:10:00.000Z"}` + "\n"
		if answer.Code != 200 || answer.Body.String() != want {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		wantBytes(t, rec.after(570*time.Second-30*time.Second-1), "") // after the first end
		wantBytes(t, rec.after(1), expiring)

		// A new token may also end sooner.
		if answer := renewal(t, r.routes(), clientID, token(580*time.Second)); answer.Code != 200 {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		wantBytes(t, rec.after(0), expiring)
		wantBytes(t, rec.after(10*time.Second),
			"event: auth:expired\ndata: {\"type\":\"auth:expired\"}\n\n")
		if r.Len() != 0 {
			t.Error("the stream has not ended")
		}
		if answer := renewal(t, r.routes(), clientID, token(10*time.Minute)); answer.Code != 404 {
			t.Errorf("a token for a stream that has ended: %d %s", answer.Code, answer.Body)
		}
	})
}

// A new token changes the rights: the stream leaves the channels that the token does not allow,
// except those that the server joined.
func TestTokenRenewalChangesRights(t *testing.T) { bothWays(t, testTokenRenewalChangesRights) }

func testTokenRenewalChangesRights(t *testing.T, w way) {
	r := tokenRig(t)
	srv := r.serve(t, w)
	before := sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"a", "b"}})
	after := sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"b", "c"}})
	c := open(t, srv.URL+"/sse?channels=a,b&token="+before)
	member := r.hub.Member("/", c.hello.ClientID)
	member.Join("given")
	if answer := renewal(t, r.routes(), c.hello.ClientID, after); answer.Code != 200 {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	rooms := member.Rooms()
	slices.Sort(rooms)
	want := []string{"*", "b", "client:" + c.hello.ClientID, "given", "lobby", "user:alice"}
	if !slices.Equal(rooms, want) {
		t.Errorf("rooms %q, want %q", rooms, want)
	}
	r.publish(t, notify.Notification{Type: "not-for-alice"}, notify.ToChannel("a"))
	r.publish(t, notify.Notification{Type: "b"}, notify.ToChannel("b"))
	c.want("b")
}

func TestTokenRenewalRefusals(t *testing.T) { bothWays(t, testTokenRenewalRefusals) }

func testTokenRenewalRefusals(t *testing.T, w way) {
	r := newRig(t,
		Options{Auth: newAuth(t, auth.Options{Mode: auth.ModeOpen,
			Secret: auth.Secret(testSecret)})})
	srv := r.serve(t, w)
	good := sign(t, jwt.MapClaims{"sub": "alice"})
	alice := open(t, srv.URL+"/sse?channels=kept&token="+good).hello.ClientID
	anonymous := open(t, srv.URL+"/sse").hello.ClientID
	body := func(token string) string { return `{"token":"` + token + `"}` }
	for _, tt := range []struct {
		name, method, client, media, body string
		status                            int
		code                              string
	}{
		{"good", "POST", alice, "application/json", body(good), 200, ""},
		{"GET", "GET", alice, "application/json", "", 405, "method_not_allowed"},
		{"a form of another page", "POST", alice, "text/plain", body(good), 415,
			"unsupported_media_type"},
		{"no stream", "POST", "unknown", "application/json", body(good), 404, "not_found"},
		{"an anonymous stream", "POST", anonymous, "application/json", body(good), 403,
			"forbidden"},
		{"another user", "POST", alice, "application/json",
			body(sign(t, jwt.MapClaims{"sub": "bob"})), 403, "forbidden"},
		{"expired", "POST", alice, "application/json",
			body(sign(t, jwt.MapClaims{"sub": "alice", "exp": 1})), 401, "token_expired"},
		{"no token", "POST", alice, "application/json", body("x"), 401, "invalid_token"},
		{"empty", "POST", alice, "application/json", body(""), 400, "validation"},
		{"null", "POST", alice, "application/json", `{"token":null}`, 400, "validation"},
		{"array", "POST", alice, "application/json", `["` + good + `"]`, 400, "validation"},
		{"more fields", "POST", alice, "application/json",
			`{"token":"` + good + `","userId":"bob"}`, 400, "validation"},
		{"more behind", "POST", alice, "application/json", body(good) + "{}", 400, "validation"},
		{"too long", "POST", alice, "application/json", body(strings.Repeat("x", maxTokenBody)),
			413, "payload_too_large"},
		{"a long token", "POST", alice, "application/json",
			body(strings.Repeat("x", auth.MaxToken+1)), 401, "invalid_token"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method,
			srv.URL+"/sse/"+tt.client+"/token", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", tt.media)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var problem struct{ Code string }
		if err := json.Unmarshal(text, &problem); err != nil || resp.StatusCode != tt.status ||
			problem.Code != tt.code {
			t.Errorf("%s: %s %s, want %d %s", tt.name, resp.Status, text, tt.status, tt.code)
		}
		if strings.Contains(string(text), good) {
			t.Errorf("%s: the answer shows the token", tt.name)
		}
	}
	if !r.hub.Member("/", alice).In("kept") {
		t.Error("a refused token took a channel away")
	}
}

// A ticket opens one stream. An EventSource would reconnect with the same ticket, so the refusal
// has a status that stops it.
func TestTicket(t *testing.T) { bothWays(t, testTicket) }

func testTicket(t *testing.T, w way) {
	tickets := auth.NewTickets(nil)
	r := newRig(t, Options{Auth: newAuth(t, auth.Options{Mode: auth.ModeTicket, Tickets: tickets})})
	srv := r.serve(t, w)
	issue := func() string {
		ticket, _, err := tickets.Issue("alice", "Alice", []string{"team-*"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	url := srv.URL + "/sse?channels=team-1,other&ticket=" + issue()
	c := open(t, url)
	if c.hello.UserID != "alice" || c.hello.Username != "Alice" ||
		!slices.Equal(c.hello.Denied, []string{"other"}) {
		t.Errorf("%+v", c.hello)
	}
	if resp := get(t, t.Context(), http.DefaultClient, url); resp.StatusCode != 401 {
		t.Errorf("the ticket a second time: %s", resp.Status)
	}
	// Another ticket of the user changes the channels of the running stream.
	status, answer := post(t, fmt.Sprintf("%s/sse/%s/channels?ticket=%s", srv.URL, c.hello.ClientID,
		issue()), `{"join":["team-2"]}`)
	if status != 200 || !slices.Equal(answer.Joined, []string{"team-2"}) {
		t.Errorf("%d %+v", status, answer)
	}
}

func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{
		`{"token":"x"}`, `{"token":""}`, `{}`, `{"token":1}`,
		`{"token":"x"} {}`, `[]`, "", `{"token":"x","token":"y"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := parseToken(body)
		if (err == nil) != (token != "") {
			t.Fatalf("%q, %v", token, err)
		}
		if err == nil && !json.Valid(body) {
			t.Fatalf("%q of a body that is no JSON: %q", token, body)
		}
	})
}
