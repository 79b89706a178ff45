package sse

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

func tokenRig(t *testing.T) *rig {
	return newRig(t, Options{
		Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret),
			PublicChannels: []string{"lobby"}}),
		DefaultChannels: []string{"general", "lobby"},
	})
}

// Invalid credentials get an HTTP error, because another attempt would not help.
func TestCredentials(t *testing.T) { bothWays(t, testCredentials) }

func testCredentials(t *testing.T, w way) {
	r := tokenRig(t)
	srv := r.serve(t, w)
	good := sign(t, jwt.MapClaims{"sub": "alice"})
	expired := sign(t, jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(-time.Hour).Unix()})
	for _, c := range []struct {
		name, query string
		headers     []string
		status      int
		code        string
	}{
		{"none", "", nil, 401, "unauthenticated"},
		{"user id only", "userId=alice", nil, 401, "unauthenticated"},
		{"garbage", "token=x", nil, 401, "invalid_token"},
		{"expired", "token=" + expired, nil, 401, "token_expired"},
		{"another user", "userId=bob&token=" + good, nil, 401, "invalid_token"},
		{"another user by header", "userId=bob", []string{"Authorization", "Bearer " + good}, 401,
			"invalid_token"},
		{"another user by cookie", "userId=bob",
			[]string{"Cookie", "auth_token=" + good, "Origin", srv.URL}, 401, "invalid_token"},
		{"cookie of an unknown page", "", []string{"Cookie", "auth_token=" + good}, 403,
			"forbidden"},
		{"user id that is no name", "userId=a%0Ab&token=" + good, nil, 400, "validation"},
		{"query", "token=" + good, nil, 200, ""},
		{"header", "", []string{"Authorization", "Bearer " + good}, 200, ""},
		{"cookie", "", []string{"Cookie", "auth_token=" + good, "Origin", srv.URL}, 200, ""},
		{"the same user twice", "userId=alice&token=" + good, nil, 200, ""},
	} {
		resp := get(t, t.Context(), http.DefaultClient, srv.URL+"/sse?"+c.query, c.headers...)
		if resp.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", c.name, resp.Status, c.status)
			continue
		}
		if c.status == 200 {
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		var problem struct{ Code string }
		if err := json.Unmarshal(body, &problem); err != nil || problem.Code != c.code {
			t.Errorf("%s: %s, want code %s", c.name, body, c.code)
		}
		if strings.Contains(string(body), good) || strings.Contains(string(body), expired) {
			t.Errorf("%s: the answer shows the token", c.name)
		}
	}
}

func TestAnonymous(t *testing.T) { bothWays(t, testAnonymous) }

func testAnonymous(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	anonymous := open(t, srv.URL+"/sse")
	namesake := open(t, srv.URL+"/sse?userId=anonymous")
	if anonymous.hello.UserID != "anonymous" || anonymous.hello.Username != "anonymous" {
		t.Errorf("%+v", anonymous.hello)
	}
	// An anonymous stream must not get it.
	r.publish(t, notify.Notification{Type: "a"}, notify.ToUser("anonymous"))
	r.publish(t, notify.Notification{Type: "b"}, notify.ToAll())
	anonymous.want("b")
	namesake.want("a")
}

// The same rules for names apply to the URL and to a change of channels.
func TestChannelPermissions(t *testing.T) { bothWays(t, testChannelPermissions) }

func testChannelPermissions(t *testing.T, w way) {
	open1, token := newRig(t, Options{DefaultChannels: []string{"general"}}), tokenRig(t)
	other := open(t, open1.serve(t, w).URL+"/sse").hello.ClientID // a client id
	alice := sign(t, jwt.MapClaims{"sub": "alice",
		"channels": []string{"orders", "team-*", "user:*", "client:*", "*", "general"}})
	bob := sign(t, jwt.MapClaims{"sub": "bob", "channels": []string{"orders"}})
	names := []string{
		"orders", "team-1", "lobby", "default", "user:42", "user:alice", "USER:42", "client:x",
		"ｕｓｅｒ:1", "*", "/n#orders", "a#b", other,
		"a\nb", "a\u2028b", "\xff", strings.Repeat("x", 201),
	}
	for _, c := range []struct {
		rig    *rig
		query  string
		joined []string
	}{
		{open1, "userId=alice", []string{"orders", "team-1", "lobby", "default"}},
		{open1, "", []string{"orders", "team-1", "lobby", "default"}},
		{token, "token=" + alice, []string{"orders", "team-1", "lobby", "default", other}},
		{token, "token=" + bob, []string{"orders", "lobby"}},
	} {
		srv := c.rig.serve(t, w)
		for _, name := range names {
			want := slices.Contains(c.joined, name)
			cl := open(t, srv.URL+"/sse?"+c.query+"&channels="+escape(name))
			if got := len(cl.hello.Denied) == 0; got != want {
				t.Errorf("%s: %q in the URL: joined %t, want %t", c.query, name, got, want)
			}
			own := name == "*" || name == "user:"+cl.hello.UserID // always joined
			if c.rig.hub.Member("/", cl.hello.ClientID).In(name) != (want || own) {
				t.Errorf("%s: %q: in the room? want %t", c.query, name, want)
			}
			cl = open(t, srv.URL+"/sse?"+c.query)
			if strings.ToValidUTF8(name, "") != name {
				continue // not valid JSON
			}
			body, _ := json.Marshal(map[string]any{"join": []string{name}})
			status, answer := post(t, srv.URL+"/sse/"+cl.hello.ClientID+"/channels?"+c.query,
				string(body), HeaderSecret, cl.hello.Secret)
			got := len(answer.Joined) == 1 && len(answer.Denied) == 0
			if status != 200 || got != want {
				t.Errorf("%s: %q by POST: %d %+v, want %t", c.query, name, status, answer, want)
			}
		}
	}
}
