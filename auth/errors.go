package auth

import (
	"encoding/json"
	"strings"
	"time"
)

// Error is the reason for a refusal. It may be sent to the client: it never contains a credential.
type Error struct {
	Code       string        // stable, such as "invalid_token"; the same on every transport
	Message    string        // the message of a Socket.IO connect_error
	Detail     string        // what exactly is wrong; may be empty
	Status     int           // over HTTP
	RetryAfter time.Duration // 0: no hint

	// Claim has the names of the claims for which a token is refused, such as "aud" or "exp, nbf",
	// without their values. "" if its claims are not the reason. It is for logs only: who sends a
	// forged token must not learn how far it got.
	Claim string

	// FromHook means that the application has refused the client in hook mode: Message is its own,
	// and so is Data, which is JSON, nil without any. A Socket.IO client gets exactly these.
	FromHook bool
	Data     json.RawMessage
}

// The reasons for a refusal. Compare them with [errors.Is], which compares codes.
var (
	// ErrRequired means that the request has no credentials that the mode accepts.
	ErrRequired = &Error{Code: "unauthenticated", Message: "Authentication required", Status: 401}
	// ErrInvalid means that a token or ticket is not valid, or contradicts another field of the
	// request.
	ErrInvalid = &Error{Code: "invalid_token", Message: "Invalid token", Status: 401}
	// ErrExpired means that a token was valid and has expired.
	ErrExpired = &Error{Code: "token_expired", Message: "Token expired", Status: 401}
	// ErrForbidden means that valid credentials do not allow the request.
	ErrForbidden = &Error{Code: "forbidden", Message: "Forbidden", Status: 403}
	// ErrMalformed means that a field breaks its rules; Detail names it. The message is one that
	// existing clients expect.
	ErrMalformed = &Error{Code: "validation", Message: "Forbidden", Status: 400}

	errTooLong   = ErrInvalid.because("longer than 8 KiB")
	errNoTickets = ErrInvalid.because("this server issues no tickets")
)

// Error returns the message and the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + ": " + e.Detail
}

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// by returns a copy of e with the names of claims.
func (e *Error) by(claims ...string) *Error {
	c := *e
	c.Claim = strings.Join(claims, ", ")
	return &c
}

// because returns a copy of e with a detail.
func (e *Error) because(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}
