package auth

import (
	"regexp"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"
)

// identity returns the identity of a token with these claims, which must be the same over both
// transports.
func identity(t *testing.T, a *Authenticator, claims jwt.MapClaims) Identity {
	t.Helper()
	c := Credentials{Token: sign(t, good(claims))}
	one, err1 := try(a, c, SocketIO)
	two, err2 := try(a, c, EventSource)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, channel := range []string{"orders", "team-1", "user:alice", "lobby"} {
		if one.MayJoin(channel) != two.MayJoin(channel) ||
			one.MayPublish(channel) != two.MayPublish(channel) {
			t.Errorf("the transports differ about %q", channel)
		}
	}
	return one
}

func TestMayJoinAndPublish(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret, PublicChannels: []string{"lobby", "news-*"}})
	id := identity(t, a, jwt.MapClaims{
		"channels": []string{"orders", "team-*", "*-alerts", "eu-*-stock", "café"},
		"publish":  []string{"team-7", "chat-*"},
	})
	for channel, want := range map[string][2]bool{ // join, publish
		"orders": {true, false}, "Orders": {}, "orders2": {}, "order": {}, " orders": {},
		"orders ": {}, "orders\x00": {},
		"team-": {true, false}, "team-1": {true, false}, "team-7": {true, true},
		"team-7-x": {true, false}, "team": {}, "xteam-1": {},
		"disk-alerts": {true, false}, "-alerts": {true, false}, "disk-alerts2": {},
		"eu-1-stock": {true, false}, "eu--stock": {true, false}, "eu-stock": {}, "eu-1-stock-2": {},
		"lobby": {true, false}, "news-": {true, false}, "news-eu": {true, false},
		"chat-1": {false, true}, "café": {true, false}, "cafe": {}, "cafe\u0301": {},
		"": {}, "*": {}, "team-*": {true, false}, "default": {}, "__proto__": {},
	} {
		if got := [2]bool{id.MayJoin(channel), id.MayPublish(channel)}; got != want {
			t.Errorf("%q: join, publish = %v, want %v", channel, got, want)
		}
	}
}

// No client may join or publish to a room of the server, whatever its claims, its mode and the
// spelling of the room.
func TestServerOwnedRooms(t *testing.T) {
	anyone := newAuth(t, Options{})
	owner := newAuth(t, Options{Secret: testSecret, PublicChannels: []string{"*", "user:*"}})
	claims := jwt.MapClaims{"channels": []string{"*", "user:*", "user:42", "client:*"},
		"publish": []string{"*", "user:42"}}
	believed, err := try(anyone, Credentials{UserID: "alice"}, SocketIO)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := try(anyone, Credentials{}, EventSource)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]Identity{
		"open": believed, "anonymous": stranger,
		"token": identity(t, owner, claims),
	} {
		for _, room := range []string{
			"user:42", "user:alice", "user:", "USER:42", "User:42", "uſer:42", "ｕｓｅｒ:42", "user：42",
			"USER：42",
			"client:x", "client:", "CLIENT:x", "ｃlient:x", " user:42", "user:42 ", "\u200buser:42",
			"us\u00ader:42",
			"user\u200b:42", "/n#user:42", "a#b", "#", "*", "", "\ufeff", "a\nb", "a\u2028b",
			"\xff", strings.Repeat("x", 201),
		} {
			if id.MayJoin(room) || id.MayPublish(room) {
				t.Errorf("%s: %q may be joined (%t) or published to (%t)", name, room,
					id.MayJoin(room), id.MayPublish(room))
			}
		}
		// Names that only look similar are channels: nothing decodes them into a room of the
		// server.
		for _, channel := range []string{
			"user", "users:42", "user%3A42", "user.42", "my user:42",
			"chat message", strings.Repeat("x", 200),
		} {
			if !id.MayJoin(channel) || !id.MayPublish(channel) {
				t.Errorf("%s: %q may not be joined or published to", name, channel)
			}
		}
	}
}

// The rights are those of the current token: a client that resumes with fewer claims has fewer
// rights.
func TestTokenWithFewerClaims(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	before := identity(t, a, jwt.MapClaims{"channels": []string{"orders", "team-*"}})
	after := identity(t, a, jwt.MapClaims{"channels": []string{"team-*"}})
	none := identity(t, a, nil)
	if !before.MayJoin("orders") || after.MayJoin("orders") || none.MayJoin("orders") ||
		none.MayJoin("team-1") {
		t.Error("a claim of the former token still counts")
	}
	if !after.MayJoin("team-1") {
		t.Error("a claim of the current token does not count")
	}
	if (Identity{}).MayJoin("team-1") || (Identity{}).MayPublish("team-1") {
		t.Error("the zero Identity has rights")
	}
}

func TestChannelClaimShapes(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	for _, claim := range []any{
		1, true, map[string]bool{"orders": true}, []any{"orders", 1},
		[]any{"orders", nil}, []any{[]string{"orders"}},
	} {
		refused(t, a, Credentials{Token: sign(t, good(jwt.MapClaims{"channels": claim}))},
			ErrInvalid)
		refused(t, a, Credentials{Token: sign(t, good(jwt.MapClaims{"publish": claim}))},
			ErrInvalid)
	}
	null := good(jwt.MapClaims{"channels": nil, "publish": nil, "name": nil})
	if id, err := try(a, Credentials{Token: sign(t, null)}, SocketIO); err != nil ||
		id.MayJoin("orders") || id.Username != "alice" {
		t.Errorf("claims of null do not count as absent: %+v, %v", id, err)
	}
	if !identity(t, a, jwt.MapClaims{"channels": "orders"}).MayJoin("orders") {
		t.Error("a string is not read as an array of one")
	}
	for _, claim := range []any{[]string{}, []string{""}, ""} {
		id := identity(t, a, jwt.MapClaims{"channels": claim})
		if id.MayJoin("orders") || id.MayJoin("") {
			t.Errorf("claim %#v allows a channel", claim)
		}
	}
}

// A pattern matches the same names as the regular expression with .* in place of each star.
func TestPatternsAgainstRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*é.]{0,12}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[abé.*]{0,16}`).Draw(t, "channel")
		expression := `(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `\z`
		got, want := matches(pattern, s), regexp.MustCompile(expression).MatchString(s)
		if got != want {
			t.Errorf("matches(%q, %q) = %t, want %t", pattern, s, got, want)
		}
	})
}

func BenchmarkMayJoin(b *testing.B) {
	a := newAuth(b, Options{Secret: testSecret})
	id, err := try(a,
		Credentials{Token: sign(b,
			good(jwt.MapClaims{"channels": []string{"orders", "team-*", "eu-*-stock"}}))}, SocketIO)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !id.MayJoin("eu-west-stock") {
			b.Fatal("refused")
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	a := newAuth(b, Options{Secret: testSecret})
	c := Credentials{Token: sign(b, good(jwt.MapClaims{"channels": []string{"orders", "team-*"}}))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := try(a, c, SocketIO); err != nil {
			b.Fatal(err)
		}
	}
}

// The slowest pattern against the longest name.
func BenchmarkPatternWorst(b *testing.B) {
	p, s := strings.Repeat("*a", 100)+"b", strings.Repeat("a", 200)
	for b.Loop() {
		if matches(p, s) {
			b.Fatal("matched")
		}
	}
}
