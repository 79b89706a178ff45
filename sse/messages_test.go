package sse

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// say posts a message for a stream. headers has pairs of a name and a value.
func say(
	t testing.TB, url, body string, headers ...string,
) (status int, text string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), resp.Header
}

// A stream sends a message to a channel: the members get the same event as from a Socket.IO client,
// and the sender gets the receipt.
func TestMessages(t *testing.T) { bothWays(t, testMessages) }

func testMessages(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	alice, bob := open(t, srv.URL+"/sse?userId=alice"),
		open(t, srv.URL+"/sse?userId=bob&channels=chat")
	anonymous := open(t, srv.URL+"/sse")
	target := func(c *client, query string) string {
		return srv.URL + "/sse/" + c.hello.ClientID + "/messages" + query
	}
	for _, c := range []struct{ target, body, want string }{
		{target(alice, "?userId=alice"),
			`{"room":"chat","message":{"text": "<hi>"},"metadata":{"k":1}}`,
			`{"type":"message","room":"chat","message":{"text":"<hi>"},` +
				`"from":{"clientId":"CLIENT","userId":"alice"},"timestamp":"TIME",` +
				`"metadata":{"k":1}}`},
		{target(bob, "?userId=bob"), `{"room":"chat"}`,
			`{"type":"message","room":"chat","message":null,"from":{"clientId":"CLIENT",` +
				`"userId":"bob"},"timestamp":"TIME"}`},
		{target(anonymous, ""), ` {"message":[1,2],"room":"chat"} `,
			`{"type":"message","room":"chat","message":[1,2],"from":{"clientId":"CLIENT",` +
				`"userId":"anonymous"},"timestamp":"TIME"}`},
	} {
		status, text, header := say(t, c.target, c.body, HeaderSecret, anonymous.hello.Secret)
		var receipt notify.Receipt
		err := json.Unmarshal([]byte(text), &receipt)
		if err != nil || status != 200 || header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %s", c.body, status, text)
		}
		e := bob.want("message")
		if blur(e.data) != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.body, e.data, c.want)
		}
		want := notify.Receipt{ID: e.id, Delivered: 1, Users: 1, Channels: 1, Stored: true}
		if receipt != want {
			t.Errorf("%s: receipt %+v, want %+v", c.body, receipt, want)
		}
	}
}

func TestMessagesRefused(t *testing.T) { bothWays(t, testMessagesRefused) }

func testMessagesRefused(t *testing.T, w way) {
	r := newRig(t, Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)})})
	srv := r.serve(t, w)
	token := func(user string, publish ...string) string {
		return sign(t, jwt.MapClaims{"sub": user, "channels": []string{"*"},
			"publish": append([]string{}, publish...)})
	}
	alice := open(t, srv.URL+"/sse?channels=team-1&token="+token("alice", "team-*"))
	id := alice.hello.ClientID
	const body = `{"room":"team-1","message":1}`
	for _, c := range []struct {
		name, client, token, body string
		status                    int
		problem                   string
	}{
		{"good", id, token("alice", "team-*"), body, 200, ""},
		{"no credentials", id, "", body, 401, "Authentication required"},
		{"another user", id, token("bob", "team-*"), body, 403,
			"this stream belongs to another user"},
		{"no stream", "x", token("alice", "team-*"), body, 404,
			"no running stream has this client id"},
		{"the rights just shown count", id, token("alice"), body, 403,
			"you may not publish to this room"},
		{"another channel", id, token("alice", "team-*"), `{"room":"orders"}`, 403,
			"you may not publish to this room"},
		{"a user", id, token("alice", "*"), `{"room":"user:bob"}`, 403, "is owned by the server"},
		{"a client", id, token("alice", "*"), `{"room":"` + id + `"}`, 403,
			"you may not publish to this room"},
		{"everyone", id, token("alice", "*"), `{"room":"*"}`, 403, "means everyone"},
		{"no room", id, token("alice", "*"), `{"message":1}`, 400, "room: is empty"},
		{"a room that is no string", id, token("alice", "*"), `{"room":1.5}`, 400,
			"room: expected the name of a channel, a string"},
		{"no object", id, token("alice", "*"), `[]`, 400, "expected a JSON object such as"},
		{"an unknown field", id, token("alice", "*"), `{"room":"team-1","data":1}`, 400,
			`unknown field \"data\", expected room, message or metadata`},
		{"too large", id, token("alice", "*"),
			`{"room":"team-1","message":"` + strings.Repeat("x", notify.MaxData) + `"}`, 413,
			"expected at most 262144"},
		{"much too large", id, token("alice", "*"),
			`{"room":"team-1","message":"` + strings.Repeat("x", maxMessageBody) + `"}`, 413,
			"payload_too_large"},
	} {
		status, text, _ := say(t, srv.URL+"/sse/"+c.client+"/messages", c.body, "Authorization",
			"Bearer "+c.token)
		if status != c.status || !strings.Contains(text, c.problem) {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, text, c.status, c.problem)
		}
	}
	alice.want("message") // the accepted one
	r.publish(t, notify.Notification{Type: "end"}, notify.ToUser("alice"))
	alice.want("end")
	status, text, header := say(t, srv.URL+"/sse/"+id+"/messages", body,
		"Content-Type", "text/plain", "Authorization", "Bearer "+token("alice", "*"))
	if status != 415 {
		t.Errorf("a form of another page: %d %s %v", status, text, header)
	}
	resp := get(t, t.Context(), srv.Client(), srv.URL+"/sse/"+id+"/messages")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s", resp.Status)
	}
}

// The rate limit counts the messages of each stream separately.
func TestMessageRateLimit(t *testing.T) { bothWays(t, testMessageRateLimit) }

func testMessageRateLimit(t *testing.T, w way) {
	r := newRig(t, Options{RateInterval: time.Hour, RateBurst: 3})
	srv := r.serve(t, w)
	one, two := open(t, srv.URL+"/sse?userId=u1").hello.ClientID,
		open(t, srv.URL+"/sse?userId=u1").hello.ClientID
	var got []string
	for range 4 {
		status, _, header := say(t, srv.URL+"/sse/"+one+"/messages?userId=u1",
			`{"room":"chat","message":1}`)
		got = append(got, fmt.Sprint(status, header.Get("Content-Type")))
	}
	if got[2] != "200application/json" || got[3] != "429application/problem+json" {
		t.Errorf("got %q", got)
	}
	status, text, _ := say(t, srv.URL+"/sse/"+two+"/messages?userId=u1",
		`{"room":"chat","message":1}`)
	if status != 200 {
		t.Errorf("another stream: %d %s", status, text)
	}
	status, text, _ = say(t, srv.URL+"/sse/"+one+"/channels?userId=u1", `{"join":["chat"]}`)
	if status != 200 {
		t.Errorf("its channels: %d %s", status, text)
	}
}

// A message that cannot be stored is not sent. The client may try again.
func TestMessageNotStored(t *testing.T) { bothWays(t, testMessageNotStored) }

func testMessageNotStored(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	id := open(t, srv.URL+"/sse?userId=u1&channels=chat").hello.ClientID
	r.hub.Close()
	status, text, _ := say(t, srv.URL+"/sse/"+id+"/messages?userId=u1",
		`{"room":"chat","message":1}`)
	if status != 503 || !strings.Contains(text, `"unavailable"`) {
		t.Errorf("%d %s", status, text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, seed := range []string{
		`{"room":"a","message":{"b":[1]},"metadata":null}`, `{}`,
		`{"room":1}`, `{"room":"a"} {}`, `[]`, "", `{"room":"a","room":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	if m, err := parseMessage([]byte(`{"room":42,"message":1}`)); m.Room != "42" || err != nil {
		f.Errorf("a number as room: %+v, %v", m, err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMessage(body)
		if err == nil && (!json.Valid(body) || m.Message != nil && !json.Valid(m.Message) ||
			m.Metadata != nil && !json.Valid(m.Metadata)) {
			t.Fatalf("%+v of %q", m, body)
		}
	})
}
