package auth

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestRefresh(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret, Tickets: NewTickets(clock)})
	current, err := try(a,
		Credentials{Token: sign(t, good(jwt.MapClaims{"name": "Alice", "channels": "old"}))},
		SocketIO)
	if err != nil {
		t.Fatal(err)
	}
	later := testNow.Add(2 * time.Hour)
	renewed, err := a.Refresh(context.Background(), current,
		sign(t, good(jwt.MapClaims{"exp": later.Unix(), "channels": "new", "publish": "new"})))
	if err != nil || renewed.UserID != "alice" || renewed.Username != "Alice" ||
		!renewed.ExpiresAt.Equal(later) || !renewed.Verified {
		t.Errorf("%+v, %v", renewed, err)
	}
	if renewed.MayJoin("old") || !renewed.MayJoin("new") || !renewed.MayPublish("new") {
		t.Error("the channels are not those of the new token")
	}
	ofTicket, err := try(a, Credentials{Ticket: issue(t, a.current.Load().tickets, "alice")}, SocketIO)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := a.Refresh(context.Background(), ofTicket, sign(t, good(nil))); err != nil ||
		id.ExpiresAt.IsZero() {
		t.Errorf("a connection that a ticket opened: %+v, %v", id, err)
	}

	open := newAuth(t, Options{Mode: ModeOpen, Secret: testSecret})
	nobody, err := try(open, Credentials{}, EventSource)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		a       *Authenticator
		current Identity
		token   string
		want    error
	}{
		"no token": {a, current, "", ErrRequired},
		"no JWT":   {a, current, "x", ErrInvalid},
		"none": {a, current, signWith(t, jwt.SigningMethodNone,
			jwt.UnsafeAllowNoneSignatureType, nil, good(nil)), ErrInvalid},
		"expired":      {a, current, sign(t, good(jwt.MapClaims{"exp": 1})), ErrExpired},
		"another user": {a, current, sign(t, good(jwt.MapClaims{"sub": "bob"})), ErrForbidden},
		"of nobody": {open, nobody, sign(t, good(jwt.MapClaims{"sub": Anonymous})),
			ErrForbidden},
		"without a key": {newAuth(t, Options{}), Identity{UserID: "alice"}, sign(t, good(nil)),
			ErrForbidden},
		"a ticket's one": {newAuth(t, Options{Mode: ModeTicket, Tickets: NewTickets(nil)}),
			ofTicket, sign(t, good(nil)), ErrForbidden},
	} {
		id, err := tt.a.Refresh(context.Background(), tt.current, tt.token)
		if !errors.Is(err, tt.want) || id.UserID != "" {
			t.Errorf("%s: %+v, %v, want %v", name, id, err, tt.want)
		}
	}
}
