package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
)

// A backend signs a token, a stream sends it, and Authenticate returns the identity.
func Example() {
	secret := auth.Secret("a secret of at least 32 bytes....")
	a, err := auth.New(auth.Options{Secret: secret})
	if err != nil {
		panic(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "alice", "name": "Alice", "exp": time.Now().Add(time.Hour).Unix(),
		"channels": []string{"orders", "team-*"}, "publish": []string{"team-7"},
	}).SignedString([]byte(secret))
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest("GET", "/sse?channels=orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	id, err := a.Authenticate(context.Background(), auth.FromRequest(r), auth.EventSource)
	fmt.Println(id.UserID, id.Username, id.Verified, err)
	fmt.Println(id.MayJoin("team-7"), id.MayPublish("team-7"), id.MayJoin("user:bob"))
	// Output:
	// alice Alice true <nil>
	// true true false
}

// Open mode accepts a bare user id. It is for development and closed networks.
func ExampleAuthenticator_Authenticate_openMode() {
	a, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	r := httptest.NewRequest("GET", "/sse?userId=bob", nil)
	bob, _ := a.Authenticate(ctx, auth.FromRequest(r), auth.EventSource)
	nobody, _ := a.Authenticate(ctx, auth.Credentials{}, auth.EventSource)
	_, err = a.Authenticate(ctx, auth.Credentials{}, auth.SocketIO)
	fmt.Println(bob.UserID, bob.Verified)
	fmt.Println(nobody.UserID, nobody.Anonymous)
	fmt.Println(err, errors.Is(err, auth.ErrRequired))
	// Output:
	// bob false
	// anonymous true
	// Authentication required true
}

// The auth payload of a Socket.IO client takes precedence over its URL.
func ExampleCredentials_WithAuth() {
	r := httptest.NewRequest("GET", "/socket.io/?EIO=4&userId=bob&channels=news", nil)
	c, err := auth.FromRequest(r).WithAuth(map[string]json.RawMessage{
		"channels": []byte(`["orders"]`), "as": []byte(`"event"`),
	})
	fmt.Println(c.UserID, c.Channels, c.As, err)
	_, err = auth.FromRequest(r).WithAuth(map[string]json.RawMessage{"userId": []byte(`true`)})
	fmt.Println(err)
	// Output:
	// bob [orders] [event] <nil>
	// Forbidden: userId: got a boolean, expected a string
}

// A Secret is printed as stars, whatever the verb.
func ExampleSecret() {
	key := auth.Secret("correct horse battery staple")
	fmt.Printf("%v %s %x %#v\n", key, key, key, struct{ Key auth.Secret }{key})
	fmt.Println(key.Equal("correct horse battery staple"), key.Equal("wrong"))
	// Output:
	// *** *** *** struct { Key auth.Secret }{Key:***}
	// true false
}
