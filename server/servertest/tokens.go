package servertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Secret is the secret for HS256 tokens of test servers.
const Secret = "a-secret-of-at-least-thirty-two-bytes"

// SignHS256 returns a token with these claims.
func SignHS256(t testing.TB, secret string, claims map[string]any) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// UserJSON returns the data of a CONNECT packet of a user in open mode.
func UserJSON(id string) string { return fmt.Sprintf(`{"userId":%q}`, id) }

// TokenFor returns a token of the user u1 with these channels that expires at end.
func TokenFor(t testing.TB, end time.Time, channels ...string) string {
	t.Helper()
	return SignHS256(t, Secret, map[string]any{"sub": "u1", "exp": end.Unix(), "channels": append([]string{}, channels...)})
}

// Resume returns the data of a CONNECT packet that resumes a session.
func Resume(user, pid, offset string) string {
	return `{"userId":"` + user + `","pid":"` + pid + `","offset":"` + offset + `"}`
}
