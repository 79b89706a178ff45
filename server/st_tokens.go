package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const testSecret = "a-secret-of-at-least-thirty-two-bytes"

func signHS256(t testing.TB, secret string, claims map[string]any) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func userJSON(id string) string { return fmt.Sprintf(`{"userId":%q}`, id) }

// tokenFor signs a token of u1 with these channels, which ends at end.
func tokenFor(t testing.TB, end time.Time, channels ...string) string {
	t.Helper()
	return signHS256(t, testSecret, map[string]any{"sub": "u1", "exp": end.Unix(), "channels": append([]string{}, channels...)})
}
