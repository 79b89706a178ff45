package sse

import (
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
)

// Everyone may learn the client id of a stream. An anonymous stream is controlled by its secret
// only, a stream of a user by credentials of the user or by its secret.
func TestSecretControlsStream(t *testing.T) { bothWays(t, testSecretControlsStream) }

func testSecretControlsStream(t *testing.T, w way) {
	r, token := newRig(t, Options{}), newRig(t, Options{
		Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)}),
	})
	srv, tsrv := r.serve(t, w), token.serve(t, w)
	anonymous, another := open(t, srv.URL+"/sse"), open(t, srv.URL+"/sse")
	user := open(t, srv.URL+"/sse?userId=u1")
	alice := open(t, tsrv.URL+"/sse?token="+
		sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"a"}, "publish": []string{"a"}}))
	for _, c := range []struct {
		name   string
		base   string
		stream *client
		query  string
		secret string
		status int
	}{
		{"no secret", srv.URL, anonymous, "", "", 403},
		{"a user", srv.URL, anonymous, "?userId=u1", "", 403},
		{"the user of that name", srv.URL, anonymous, "?userId=anonymous", "", 403},
		{"the client id", srv.URL, anonymous, "", anonymous.hello.ClientID, 403},
		{"the secret of another stream", srv.URL, anonymous, "", another.hello.Secret, 403},
		{"a part of the secret", srv.URL, anonymous, "", anonymous.hello.Secret[:21], 403},
		{"the secret", srv.URL, anonymous, "", anonymous.hello.Secret, 200},
		{"the secret of a user's stream", srv.URL, user, "", user.hello.Secret, 200},
		{"the secret and another user", srv.URL, user, "?userId=u2", user.hello.Secret, 200},
		{"the user, and a wrong secret", srv.URL, user, "?userId=u1", another.hello.Secret, 200},
		{"another secret", srv.URL, user, "", another.hello.Secret, 403},
		{"no token", tsrv.URL, alice, "", "", 401},
		{"no token, another secret", tsrv.URL, alice, "", user.hello.Secret, 401},
		{"no token, the secret", tsrv.URL, alice, "", alice.hello.Secret, 200},
		{"wrong token, the secret", tsrv.URL, alice, "?token=x", alice.hello.Secret, 200},
	} {
		target := c.base + "/sse/" + c.stream.hello.ClientID
		status, got := post(t, target+"/channels"+c.query, `{"join":["a","b"]}`,
			HeaderSecret, c.secret)
		if status != c.status {
			t.Errorf("%s: channels: %d, want %d", c.name, status, c.status)
		}
		// The rights are those of the stream.
		if c.stream == alice && status == 200 && !slices.Equal(got.Denied, []string{"b"}) {
			t.Errorf("%s: %+v", c.name, got)
		}
		status, text, _ := say(t, target+"/messages"+c.query, `{"room":"a","message":1}`,
			HeaderSecret, c.secret)
		if status != c.status || c.status != 200 && strings.Contains(text, c.stream.hello.Secret) {
			t.Errorf("%s: messages: %d %s, want %d", c.name, status, text, c.status)
		}
	}
	if len(r.hub.Match([]string{"b"}, nil)) == 0 || anonymous.hello.Secret == user.hello.Secret {
		t.Error("the secret has changed no channels, or is that of another stream")
	}
}

// A secret has 128 bits, and no two servers or streams have the same.
func TestSecrets(t *testing.T) {
	t.Parallel()
	a, b := newRig(t, Options{}), newRig(t, Options{})
	if s := a.secretOf("c"); len(s) != 22 || s == b.secretOf("c") || s == a.secretOf("d") ||
		s != a.secretOf("c") {
		t.Errorf("secrets: %s %s %s", s, b.secretOf("c"), a.secretOf("d"))
	}
}
