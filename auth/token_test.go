package auth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestTokenDates(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	at := func(offset time.Duration) int64 { return testNow.Add(offset).Unix() }
	s := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	for _, tt := range []struct {
		name, claims string
		want         error
	}{
		{"an hour left", `{"sub":"alice","exp":` + s(at(time.Hour)) + `}`, nil},
		{"fraction", `{"sub":"alice","exp":` + s(at(time.Hour)) + `.75}`, nil},
		{"ended within the leeway", `{"sub":"alice","exp":` + s(at(-29*time.Second)) + `}`, nil},
		{"ended at the leeway", `{"sub":"alice","exp":` + s(at(-30*time.Second)) + `}`, ErrExpired},
		{"ended long ago", `{"sub":"alice","exp":1}`, ErrExpired},
		{"ended and of an unusable subject", `{"sub":"","exp":1}`, ErrInvalid},
		{"ended and not yet valid", `{"sub":"alice","exp":1,"nbf":` + s(at(time.Hour)) + `}`,
			ErrInvalid},
		{"ended and of a strange nbf", `{"sub":"alice","exp":1,"nbf":"x"}`, ErrInvalid},
		{"no exp", `{"sub":"alice"}`, ErrInvalid},
		{"EXP", `{"sub":"alice","EXP":` + s(at(time.Hour)) + `}`, ErrInvalid},
		{"exp null", `{"sub":"alice","exp":null}`, ErrInvalid},
		{"exp true", `{"sub":"alice","exp":true}`, ErrInvalid},
		{"exp string", `{"sub":"alice","exp":"` + s(at(time.Hour)) + `"}`, ErrInvalid},
		{"exp empty string", `{"sub":"alice","exp":""}`, ErrInvalid},
		{"exp array", `{"sub":"alice","exp":[` + s(at(time.Hour)) + `]}`, ErrInvalid},
		{"exp object", `{"sub":"alice","exp":{"seconds":1}}`, ErrInvalid},
		{"exp 1e309", `{"sub":"alice","exp":1e309}`, ErrInvalid},
		{"exp 1e308", `{"sub":"alice","exp":1e308}`, ErrInvalid},
		{"exp 1e19", `{"sub":"alice","exp":1e19}`, ErrInvalid},
		{"exp in milliseconds", `{"sub":"alice","exp":` + s(at(time.Hour)) + `000}`, ErrInvalid},
		{"exp negative", `{"sub":"alice","exp":-1}`, ErrInvalid},
		{"exp -1e309", `{"sub":"alice","exp":-1e309}`, ErrInvalid},
		{"exp zero", `{"sub":"alice","exp":0}`, ErrExpired},
		{"exp twice", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"exp":1}`, ErrExpired},
		{"nbf within the leeway", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"nbf":` +
			s(at(30*time.Second)) + `}`, nil},
		{"nbf beyond", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"nbf":` +
			s(at(31*time.Second)) + `}`, ErrInvalid},
		{"nbf string", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"nbf":"1"}`, ErrInvalid},
		{"iat within the leeway", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"iat":` +
			s(at(30*time.Second)) + `}`, nil},
		{"iat beyond", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"iat":` +
			s(at(31*time.Second)) + `}`, ErrInvalid},
		{"iat object", `{"sub":"alice","exp":` + s(at(time.Hour)) + `,"iat":{}}`, ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Credentials{Token: raw(t, tt.claims)}
			if tt.want != nil {
				refused(t, a, c, tt.want)
				return
			}
			if id, err := try(a, c, SocketIO); err != nil || id.UserID != "alice" || !id.Verified {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
}

// A token accepted within the leeway must not end the connection at once, or the client would
// reconnect at once.
func TestTokenExpiresAt(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	for _, tt := range []struct{ exp, want time.Duration }{
		{time.Hour, time.Hour},
		{time.Second, time.Second},
		{0, 30 * time.Second},
		{-29 * time.Second, time.Second},
	} {
		id, err := try(a,
			Credentials{Token: sign(t, good(jwt.MapClaims{"exp": testNow.Add(tt.exp).Unix()}))},
			SocketIO)
		if err != nil {
			t.Fatal(err)
		}
		if want := testNow.Add(tt.want); !id.ExpiresAt.Equal(want) {
			t.Errorf("exp in %s: ExpiresAt = %s, want %s", tt.exp, id.ExpiresAt, want)
		}
		if id.Expired(testNow) || !id.Expired(testNow.Add(tt.want)) {
			t.Errorf("exp in %s: Expired is true too early or too late", tt.exp)
		}
	}
	if (Identity{}).Expired(testNow) {
		t.Error("an identity without a token is expired")
	}
}

func TestTokenIssuerAndAudience(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret, Issuer: "https://id.example", Audience: "roomcast"})
	for _, tt := range []struct {
		name     string
		iss, aud any
		ok       bool
	}{
		{"both", "https://id.example", "roomcast", true},
		{"one of several audiences", "https://id.example", []string{"web", "roomcast"}, true},
		{"no issuer", nil, "roomcast", false},
		{"no audience", "https://id.example", nil, false},
		{"another issuer", "https://id.example.evil", "roomcast", false},
		{"issuer in another case", "https://ID.example", "roomcast", false},
		{"issuer as array", []string{"https://id.example"}, "roomcast", false},
		{"issuer as number", 1, "roomcast", false},
		{"another audience", "https://id.example", "web", false},
		{"empty audience", "https://id.example", "", false},
		{"empty audiences", "https://id.example", []string{}, false},
		{"audiences without this server", "https://id.example", []string{"a", "b"}, false},
		{"audience as number", "https://id.example", 1, false},
		{"audience as object", "https://id.example", map[string]string{"roomcast": "roomcast"},
			false},
		{"audiences not all strings", "https://id.example", []any{"roomcast", 1}, false},
		{"audiences nested", "https://id.example", []any{[]string{"roomcast"}}, false},
		{"audience within a longer one", "https://id.example", "roomcast2", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Credentials{Token: sign(t, good(jwt.MapClaims{"iss": tt.iss, "aud": tt.aud}))}
			if !tt.ok {
				refused(t, a, c, ErrInvalid)
			} else if _, err := try(a, c, EventSource); err != nil {
				t.Error(err)
			}
		})
	}
	// Without the settings the claims may have any value, but of the right type.
	free := newAuth(t, Options{Secret: testSecret})
	_, err := try(free,
		Credentials{Token: sign(t, good(jwt.MapClaims{"iss": "x", "aud": []string{"y"}}))},
		SocketIO)
	if err != nil {
		t.Error(err)
	}
}

func hugeTokens(t testing.TB) map[string]string {
	nested := strings.Repeat("[", 700) + strings.Repeat("]", 700)
	valid := sign(t, good(nil))
	return map[string]string{
		"1 M dots":         strings.Repeat(".", 1<<20),
		"8 K dots":         strings.Repeat(".", MaxToken),
		"1 MB":             strings.Repeat("a", 1<<20),
		"1 MB of parts":    strings.Repeat("a.", 1<<19),
		"valid and longer": valid + strings.Repeat("A", MaxToken),
		"valid and a dot":  valid + ".",
		"4 parts":          "a.b.c.d",
		"2 parts":          "a.b",
		"no dot":           "abc",
		"two dots":         "..",
		"deep header":      unsigned(`{"alg":"HS256","x":`+nested[550:850]+`}`, `{}`, "x"),
		"deep claims":      unsigned(`{"alg":"HS256"}`, `{"x":`+nested+`}`, "x"),
		"wide claims": unsigned(`{"alg":"HS256"}`, `{"a":1`+strings.Repeat(`,"a":1`, 900)+`}`,
			"x"),
		"wide header": unsigned(`{"alg":"HS256","x":[`+strings.Repeat("1,", 300)+`1]}`, `{}`,
			"x"),
		"claims no object":  unsigned(`{"alg":"HS256"}`, `[]`, "x"),
		"claims null":       unsigned(`{"alg":"HS256"}`, `null`, "x"),
		"padding":           valid + "=",
		"standard alphabet": strings.ReplaceAll(valid, "-", "+") + "/",
		"space":             " " + valid,
		"line end":          valid + "\n",
		"line end within":   valid[:20] + "\r\n" + valid[20:],
	}
}

func TestTokenShapes(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	for name, token := range hugeTokens(t) {
		t.Run(name, func(t *testing.T) { refused(t, a, Credentials{Token: token}, ErrInvalid) })
	}
	// Strict base64: the unused bits of the last character must be zero, else a token has several
	// spellings.
	valid := sign(t, good(nil))
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		valid[len(valid)-1])
	twin := valid[:len(valid)-1] +
		string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last|1])
	refused(t, a, Credentials{Token: twin}, ErrInvalid)
}

func TestTokenSubjects(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	for _, sub := range []any{
		nil, "", " ", " alice", "alice ", "a\x00b", "a\nb", "a\r", "a\tb", "a\u200bb", "a\u202eb",
		"\ufeffalice", "a\u2028b", "a\u2060b",
		"a\u00adb", strings.Repeat("a", 129), strings.Repeat("a", 6000), 42, true,
		[]string{"alice"}, map[string]any{"id": "alice"},
	} {
		refused(t, a, Credentials{Token: sign(t, good(jwt.MapClaims{"sub": sub}))}, ErrInvalid)
	}
	for _, sub := range []string{
		"alice", "__proto__", "constructor", "*", "a:b", "auth0|5f7", "john+tag@x.com", "user:bob",
		"日本", "a b", "../x", strings.Repeat("a", 128),
	} {
		id, err := try(a, Credentials{Token: sign(t, good(jwt.MapClaims{"sub": sub})), UserID: sub},
			SocketIO)
		if err != nil || id.UserID != sub || id.RoomUser() != sub {
			t.Errorf("sub %q: got %q, %v", sub, id.UserID, err)
		}
	}
}
