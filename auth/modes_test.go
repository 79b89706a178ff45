package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestModeResolve(t *testing.T) {
	for _, tt := range []struct {
		mode Mode
		key  bool
		want Mode
	}{
		{"", false, ModeOpen}, {"", true, ModeToken}, {ModeAuto, false, ModeOpen},
		{ModeAuto, true, ModeToken},
		{ModeOpen, true, ModeOpen}, {ModeToken, false, ModeToken}, {"userid", true, "userid"},
	} {
		if got := tt.mode.Resolve(tt.key); got != tt.want {
			t.Errorf("%q with key %t resolves to %q, want %q", tt.mode, tt.key, got, tt.want)
		}
	}
}

func TestNewNamesEveryError(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want []string
	}{
		{Options{Mode: ModeToken}, []string{"token mode needs a key"}},
		{Options{Secret: testSecret[:31]}, []string{"31 bytes, expected at least 32"}},
		{Options{Mode: "userid", Secret: Secret("short"), Leeway: -time.Second},
			[]string{`mode "userid"`, "5 bytes", "leeway -1s"}},
	} {
		_, err := New(tt.o)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: error %v, want %q in it", tt.o, err, want)
			}
		}
		if err != nil && len(tt.o.Secret) > 0 &&
			strings.Contains(err.Error(), string(tt.o.Secret)) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

// verdict describes the result of Authenticate: "alice!" is verified, "alice" is not, else it is
// "anonymous" or the code of an error.
func verdict(id Identity, err error) string {
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		return refusal.Code
	case err != nil:
		return "an error of the wrong type: " + err.Error()
	case id.Anonymous && id.UserID == Anonymous && id.Username == Anonymous &&
		id.RoomUser() == "" && !id.Verified:
		return "anonymous"
	case id.Anonymous || id.UserID == "" || id.RoomUser() != id.UserID:
		return "an inconsistent identity"
	case id.Verified:
		return id.UserID + "!"
	default:
		return id.UserID
	}
}

// TestModes is the complete table of modes, credentials and transports.
func TestModes(t *testing.T) {
	ok := sign(t, good(nil))
	expired := sign(t, good(jwt.MapClaims{"exp": 1}))
	foreign := signWith(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil, good(nil))
	const opaque = "demo-token-that-is-no-jwt"
	token := func(s string) Credentials { return Credentials{Token: s} }
	cookie := func(s string) Credentials {
		return Credentials{Token: s, FromCookie: true, OriginKnown: true}
	}
	as := func(user string, c Credentials) Credentials { c.UserID = user; return c }
	none := Credentials{}
	noOrigin := Credentials{Token: ok, FromCookie: true}

	modes := map[string]Options{
		"token":         {Mode: ModeToken, Secret: testSecret},
		"auto+key":      {Mode: ModeAuto, Secret: testSecret},
		"open+key":      {Mode: ModeOpen, Secret: testSecret},
		"open+key+anon": {Mode: ModeOpen, Secret: testSecret, AllowAnonymousSocketIO: true},
		"open":          {Mode: ModeOpen},
		"open+anon":     {AllowAnonymousSocketIO: true},
		"token+anon":    {Mode: ModeToken, Secret: testSecret, AllowAnonymousSocketIO: true},
	}
	tokenModes := []string{"token", "auto+key", "token+anon"}
	openWithKey := []string{"open+key", "open+key+anon"}
	openWithout := []string{"open", "open+anon"}
	every := []string{"token", "auto+key", "token+anon", "open+key", "open+key+anon", "open",
		"open+anon"}

	for _, tt := range []struct {
		name             string
		modes            []string
		c                Credentials
		socketIO, stream string
	}{
		{"no credentials", tokenModes, none, "unauthenticated", "unauthenticated"},
		{"no credentials", []string{"open", "open+key"}, none, "unauthenticated", "anonymous"},
		{"no credentials", []string{"open+anon", "open+key+anon"}, none, "anonymous", "anonymous"},

		{"user id", tokenModes, as("alice", none), "unauthenticated", "unauthenticated"},
		{"user id", openWithKey, as("alice", none), "alice", "alice"},
		{"user id", openWithout, as("alice", none), "alice", "alice"},

		{"token", tokenModes, token(ok), "alice!", "alice!"},
		{"token", openWithKey, token(ok), "alice!", "alice!"},
		{"token", openWithout, token(ok), "anonymous", "anonymous"},
		{"expired token", tokenModes, token(expired), "token_expired", "token_expired"},
		{"expired token", openWithKey, token(expired), "token_expired", "token_expired"},
		{"expired token", openWithout, token(expired), "anonymous", "anonymous"},
		{"opaque token", tokenModes, token(opaque), "invalid_token", "invalid_token"},
		{"opaque token", openWithKey, token(opaque), "invalid_token", "invalid_token"},
		{"opaque token", openWithout, token(opaque), "anonymous", "anonymous"},
		{"token signed with another key", tokenModes, token(foreign), "invalid_token",
			"invalid_token"},

		{"token and its user", tokenModes, as("alice", token(ok)), "alice!", "alice!"},
		{"token and its user", openWithKey, as("alice", token(ok)), "alice!", "alice!"},
		{"token and its user", openWithout, as("alice", token(ok)), "alice", "alice"},
		{"token and another user", tokenModes, as("bob", token(ok)), "invalid_token",
			"invalid_token"},
		{"token and another user", openWithKey, as("bob", token(ok)), "invalid_token",
			"invalid_token"},
		{"token and another user", openWithout, as("bob", token(ok)), "bob", "bob"},
		{"opaque token and user", tokenModes, as("bob", token(opaque)), "invalid_token",
			"invalid_token"},
		{"opaque token and user", openWithKey, as("bob", token(opaque)), "invalid_token",
			"invalid_token"},
		{"opaque token and user", openWithout, as("bob", token(opaque)), "bob", "bob"},

		{"cookie", tokenModes, cookie(ok), "alice!", "alice!"},
		{"cookie", openWithKey, cookie(ok), "alice!", "alice!"},
		{"cookie", []string{"open"}, cookie(ok), "unauthenticated", "anonymous"},
		{"cookie without origin", tokenModes, noOrigin, "forbidden", "forbidden"},
		{"cookie without origin", openWithKey, noOrigin, "forbidden", "forbidden"},
		{"cookie without origin, user", openWithout, as("bob", noOrigin), "bob", "bob"},
		{"invalid cookie", tokenModes, cookie(opaque), "invalid_token", "invalid_token"},
		{"expired cookie", tokenModes, cookie(expired), "token_expired", "token_expired"},
		{"invalid cookie", []string{"open+key"}, cookie(opaque), "unauthenticated", "anonymous"},
		{"invalid cookie, user", openWithKey, as("bob", cookie(opaque)), "bob", "bob"},
		{"expired cookie, user", openWithKey, as("bob", cookie(expired)), "bob", "bob"},
		{"cookie and another user", tokenModes, as("bob", cookie(ok)), "invalid_token",
			"invalid_token"},
		{"cookie and another user", openWithKey, as("bob", cookie(ok)), "invalid_token",
			"invalid_token"},
		{"cookie and user", openWithout, as("bob", cookie(ok)), "bob", "bob"},

		{"ticket", every, Credentials{Ticket: "t"}, "invalid_token", "invalid_token"},
		{"ticket and cookie", tokenModes,
			Credentials{Ticket: "t", Token: ok, FromCookie: true, OriginKnown: true},
			"invalid_token", "invalid_token"},
		{"ticket and token", tokenModes, Credentials{Ticket: "t", Token: ok}, "alice!", "alice!"},
		{"ticket and user", openWithout, as("bob", Credentials{Ticket: "t"}), "bob", "bob"},

		{"a field that breaks its rules", every, Credentials{UserID: "alice", err: ErrMalformed},
			"validation", "validation"},
	} {
		for _, mode := range tt.modes {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				a := newAuth(t, modes[mode])
				if got := verdict(try(a, tt.c, SocketIO)); got != tt.socketIO {
					t.Errorf("Socket.IO: %s, want %s", got, tt.socketIO)
				}
				if got := verdict(try(a, tt.c, EventSource)); got != tt.stream {
					t.Errorf("EventSource: %s, want %s", got, tt.stream)
				}
			})
		}
	}
}

func TestUsername(t *testing.T) {
	token, open := newAuth(t, Options{Secret: testSecret}), newAuth(t, Options{})
	for _, tt := range []struct {
		name string
		a    *Authenticator
		c    Credentials
		want string
	}{
		{"the token's", token, Credentials{Token: sign(t, good(jwt.MapClaims{"name": "Alice A."})),
			Username: "Mallory"}, "Alice A."},
		{"the client's, when the token has none", token,
			Credentials{Token: sign(t, good(nil)), Username: "Al"}, "Al"},
		{"the subject", token, Credentials{Token: sign(t, good(nil))}, "alice"},
		{"empty claim", token, Credentials{Token: sign(t, good(jwt.MapClaims{"name": ""}))},
			"alice"},
		{"believed", open, Credentials{UserID: "bob", Username: "Bob"}, "Bob"},
		{"the user id", open, Credentials{UserID: "bob"}, "bob"},
	} {
		id, err := try(tt.a, tt.c, EventSource)
		if err != nil || id.Username != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, id.Username, err, tt.want)
		}
	}
	// A name is data: no name is a reason to refuse a user.
	for _, tt := range []struct {
		name any
		want string
	}{
		{1, "alice"}, {true, "alice"}, {[]string{"x"}, "alice"}, {"\n\t ", "alice"},
		{"a\nb", "ab"}, {" Ann ", "Ann"}, {"a\u202eb", "ab"}, {"نام\u200cکاربر", "نام\u200cکاربر"},
		{"👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"}, {strings.Repeat("x", 300), strings.Repeat("x", 256)},
		{strings.Repeat("x", 255) + "é", strings.Repeat("x", 255)},
	} {
		c := Credentials{Token: sign(t, good(jwt.MapClaims{"name": tt.name}))}
		if id, err := try(token, c, SocketIO); err != nil || id.Username != tt.want {
			t.Errorf("token with the name %q: %q, %v", tt.name, id.Username, err)
		}
		c, err := Credentials{UserID: "alice"}.WithAuth(
			encoded(t, map[string]any{"username": tt.name}))
		if text, isText := tt.name.(string); isText && err == nil {
			id, err := try(open, c, SocketIO)
			if err != nil || id.Username != tt.want {
				t.Errorf("a client with the name %q: %q, %v", text, id.Username, err)
			}
		} else if err != nil {
			t.Errorf("a client with the name %v: %v", tt.name, err)
		}
	}
}
