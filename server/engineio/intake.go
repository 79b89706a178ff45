package engineio

import (
	"net/http"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// errCrowded ends the session of a message that has given way to others, see Options.MaxIncomplete.
// Its client may connect again.
var errCrowded = violation{reason: ReasonTransportError, code: closeTryAgain}

// past is a deadline that has passed: it ends a read that waits.
var past = time.Unix(1, 0)

// larger returns a buffer of that size that begins with p, and counts it as incomplete input.
func (c *wire) larger(p []byte, size int) ([]byte, error) {
	if c.input == nil {
		c.input = c.session.server.intake.Begin(func() { _ = c.Conn.SetReadDeadline(past) })
	}
	larger, err := c.input.Larger(p, size)
	if err != nil {
		return p, errCrowded
	}
	return larger, nil
}

// complete ends the account of the message that was read last, with this error.
func (c *wire) complete(err error) error {
	if c.input == nil {
		return err
	}
	crowded := c.input.End() != nil
	c.input = nil
	if crowded {
		return errCrowded
	}
	return err
}

// postInput counts the body of a POST as incomplete input. The zero value counts nothing yet.
type postInput struct {
	*sockets.Input
}

// larger is like that of wire.
func (in *postInput) larger(
	s *Server, rc *http.ResponseController, p []byte, size int,
) ([]byte, error) {
	if in.Input == nil {
		in.Input = s.intake.Begin(func() { _ = rc.SetReadDeadline(past) })
	}
	larger, err := in.Larger(p, size)
	if err != nil {
		return p, errCrowdedBody
	}
	return larger, nil
}

// end reports whether the body has given way to others. It may be called again.
func (in *postInput) end() (crowded bool) { return in.Input != nil && in.End() != nil }
