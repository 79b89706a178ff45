package auth

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// All tests share one secret and one time.
var (
	testSecret = Secret("0123456789abcdef0123456789abcdef")
	testNow    = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

func clock() time.Time { return testNow }

func newAuth(t testing.TB, o Options) *Authenticator {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// good returns claims that are valid at testNow, with changes; a nil value removes a claim.
func good(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "alice", "exp": testNow.Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	return signWith(t, jwt.SigningMethodHS256, []byte(testSecret), nil, claims)
}

func signWith(
	t testing.TB, method jwt.SigningMethod, key any, header map[string]any, claims jwt.Claims,
) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw signs claims given as JSON, for what a map cannot express.
func raw(t testing.TB, claims string) string {
	t.Helper()
	return signWith(t, jwt.SigningMethodHS256, []byte(testSecret), nil, literal(claims))
}

// literal is a claims object that is encoded as it is.
type literal string

func (l literal) MarshalJSON() ([]byte, error)               { return []byte(l), nil }
func (literal) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (literal) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (literal) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (literal) GetIssuer() (string, error)                   { return "", nil }
func (literal) GetSubject() (string, error)                  { return "", nil }
func (literal) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }
func try(a *Authenticator, c Credentials, t Transport) (Identity, error) {
	return a.Authenticate(context.Background(), c, t)
}

// refused fails the test unless both transports refuse c with want.
func refused(t *testing.T, a *Authenticator, c Credentials, want error) {
	t.Helper()
	for _, transport := range []Transport{SocketIO, EventSource} {
		id, err := try(a, c, transport)
		if !errors.Is(err, want) {
			t.Errorf("transport %d: error = %v, want %v", transport, err, want)
		}
		if err == nil || id.UserID != "" || id.MayJoin("orders") {
			t.Errorf("transport %d: a refused connection has the identity %+v", transport, id)
		}
	}
}

// fieldsOf returns what a test compares: without the request and the payload, of which a hook is told.
func fieldsOf(c Credentials) printable {
	c.request, c.payload = nil, nil
	return printable(c)
}
