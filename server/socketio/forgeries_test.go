package socketio

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// forgeries are tokens that the server must refuse.
func forgeries(t *testing.T, publicKey []byte) map[string]string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	claims := fmt.Sprintf(`{"sub":"alice","exp":%d}`, in(time.Hour))
	headed := func(key any, header map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256,
			jwt.MapClaims{"sub": "alice", "exp": in(time.Hour)})
		for name, value := range header {
			token.Header[name] = value
		}
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	with := func(claims string) string { // a valid signature over these claims
		text := b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(claims))
		signature, err := jwt.SigningMethodHS256.Sign(text, []byte(servertest.Secret))
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + b64(signature)
	}
	all := map[string]string{
		"public key as secret": headed(publicKey, nil),
		"key of its own": headed([]byte("k"),
			map[string]any{"jwk": map[string]any{"kty": "oct", "k": b64([]byte("k"))}}),
		"kid of a file":      headed([]byte{}, map[string]any{"kid": "../../../../dev/null"}),
		"kid of a statement": headed([]byte("x"), map[string]any{"kid": "' UNION SELECT 'x"}),
		"kid too long": headed([]byte(servertest.Secret),
			map[string]any{"kid": strings.Repeat("k", 65)}),
		"jku": headed([]byte("x"),
			map[string]any{"jku": "http://127.0.0.1:1/keys"}),
		"expired":      with(`{"sub":"alice","exp":` + fmt.Sprint(in(-time.Hour)) + `}`),
		"no exp":       with(`{"sub":"alice"}`),
		"exp string":   with(`{"sub":"alice","exp":"` + fmt.Sprint(in(time.Hour)) + `"}`),
		"exp 1e309":    with(`{"sub":"alice","exp":1e309}`),
		"exp negative": with(`{"sub":"alice","exp":-1}`),
		"exp null":     with(`{"sub":"alice","exp":null}`),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "hs256", "RS256"} {
		header := b64([]byte(`{"alg":"` + alg + `","typ":"JWT"}`))
		all["alg "+alg] = header + "." + b64([]byte(claims)) + "."
		all["alg "+alg+", signed"] = header + "." + b64([]byte(claims)) + "." +
			strings.Split(with(claims), ".")[2]
	}
	return all
}

func TestForgedTokensOnEveryTransport(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	keys, err := auth.ParsePublicKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]auth.Options{
		"secret":     {Mode: auth.ModeToken, Secret: auth.Secret(servertest.Secret)},
		"public key": {Mode: auth.ModeToken, PublicKeys: keys},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, func(so *Options) {
				if so.Auth, err = auth.New(o); err != nil {
					t.Fatal(err)
				}
			})
			for name, token := range forgeries(t, public) {
				for way, let := range s.Ways(token, "") {
					if let() {
						t.Errorf("%s was let in over %s", name, way)
					}
				}
			}
			if n := s.Hub.Total(); n != 0 {
				t.Errorf("%d members", n)
			}
			good := servertest.SignHS256(t, servertest.Secret,
				map[string]any{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
			if o.PublicKeys != nil {
				good, err = jwt.NewWithClaims(jwt.SigningMethodRS256,
					jwt.MapClaims{"sub": "alice",
						"exp": time.Now().Add(time.Hour).Unix()}).SignedString(key)
				if err != nil {
					t.Fatal(err)
				}
			}
			for way, let := range s.Ways(good, "") {
				if !let() {
					t.Errorf("a good token was refused over %s", way)
				}
			}
		})
	}
}

// The server refuses a user id that differs from that of the token. It does not override it.
func TestUserIDWithTokenOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	for user, want := range map[string]bool{
		"alice": true, "bob": false, "Alice": false,
		"alice\u200b": false,
	} {
		for way, let := range s.Ways(token, user) {
			if got := let(); got != want {
				t.Errorf("alice's token beside the user id %q over %s: let in %t, want %t", user,
					way, got, want)
			}
		}
	}
	for _, m := range s.Hub.Members() {
		if m.UserID() != "alice" {
			t.Errorf("there is a member %q", m.UserID())
		}
	}
}
