package auth

import "time"

// Error is a refusal, made for the client that is refused: it never contains a credential.
type Error struct {
	Code       string        // stable, such as "invalid_token"; the same on every transport
	Message    string        // the message of a Socket.IO connect_error
	Detail     string        // what exactly is wrong; may be empty
	Status     int           // over HTTP
	RetryAfter time.Duration // 0 = no hint
}

// The refusals. Compare with [errors.Is], which looks at the code.
var (
	// ErrRequired: no credentials that this mode accepts.
	ErrRequired = &Error{Code: "unauthenticated", Message: "Authentication required", Status: 401}
	// ErrInvalid: a token that does not verify, or that says something else than the request.
	ErrInvalid = &Error{Code: "invalid_token", Message: "Invalid token", Status: 401}
	// ErrExpired: a token that was good once.
	ErrExpired = &Error{Code: "token_expired", Message: "Token expired", Status: 401}
	// ErrForbidden: good credentials in a place where they do not count.
	ErrForbidden = &Error{Code: "forbidden", Message: "Forbidden", Status: 403}
	// ErrMalformed: a field that breaks its rules, named in Detail. Its message is one that clients already know.
	ErrMalformed = &Error{Code: "validation", Message: "Forbidden", Status: 400}

	errTooLong   = ErrInvalid.because("it is longer than 8 KiB")
	errNoTickets = ErrInvalid.because("this server issues no tickets")
)

// Error returns the message and the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + ": " + e.Detail
}

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// because returns a copy of e with a detail.
func (e *Error) because(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}
