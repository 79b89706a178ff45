package verify

import (
	"errors"
	"fmt"
)

var (
	errBusy  = errors.New("the server is full or stops, and asks clients to come back later")
	errEnded = errors.New("the server has ended the connection")
	errLost  = errors.New("the connection was closed")
)

// refusedError is a response that is not the one of the protocol.
type refusedError struct{ answer }

func (e *refusedError) Error() string { return "the answer was " + e.String() }

// connectError is a refusal by Socket.IO's CONNECT_ERROR.
type connectError struct{ code, message string }

func (e *connectError) Error() string {
	return fmt.Sprintf("the server refused the client: %s (%s)", e.message, e.code)
}

// codeOf returns the server's code of a refusal, or "".
func codeOf(err error) string {
	var refused *refusedError
	var connect *connectError
	switch {
	case errors.As(err, &refused):
		return refused.code
	case errors.As(err, &connect):
		return connect.code
	}
	return ""
}

// isBusy reports whether the server itself asks to come back later: no proxy is at fault.
func isBusy(err error) bool {
	var refused *refusedError
	if errors.As(err, &refused) && refused.later() {
		return true
	}
	code := codeOf(err)
	return errors.Is(err, errBusy) || code == "too_many_connections" || code == "unavailable" ||
		code == "rate_limited"
}

// isUnknownSession reports whether the server does not know the session of a poll.
func isUnknownSession(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && engineCode(refused.body) == 1
}
