package servertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const Secret = "a-secret-of-at-least-thirty-two-bytes"

func SignHS256(t testing.TB, secret string, claims map[string]any) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func UserJSON(id string) string { return fmt.Sprintf(`{"userId":%q}`, id) }

// TokenFor signs a token of u1 with these channels, which ends at end.
func TokenFor(t testing.TB, end time.Time, channels ...string) string {
	t.Helper()
	return SignHS256(t, Secret, map[string]any{"sub": "u1", "exp": end.Unix(), "channels": append([]string{}, channels...)})
}

// Resume is the data of a CONNECT with which a client goes on.
func Resume(user, pid, offset string) string {
	return `{"userId":"` + user + `","pid":"` + pid + `","offset":"` + offset + `"}`
}
