package redisstream

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// cleanError is an error without secrets. It keeps what callers ask for with errors.Is, and not the
// chain, which has the original text.
type cleanError struct {
	text  string
	cause error // a sentinel error, or nil
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.cause }

// kept are the errors that clean keeps in the chain.
var kept = []error{
	context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, net.ErrClosed,
}

// clean returns an error without the passwords. A server that does not know a command quotes the
// beginning of its arguments, and those of HELLO and AUTH are a password.
func (c *Client) clean(err error) error {
	text, _, quotes := strings.Cut(err.Error(), ", with args beginning with:")
	for _, word := range c.target.Load().passwords() {
		if strings.Contains(text, word) {
			text, quotes = strings.ReplaceAll(text, word, "***"), true
		}
	}
	if !quotes {
		return err
	}
	for _, cause := range kept {
		if errors.Is(err, cause) {
			return &cleanError{text, cause}
		}
	}
	return &cleanError{text, nil}
}

// fieldOf returns the field for which something is skipped. The rest of the error may quote a message.
func fieldOf(err error) string {
	var fault *nodewire.SkipError
	var refused *notify.ValidationError
	switch {
	case errors.As(err, &fault):
		return fault.Field
	case errors.As(err, &refused):
		return refused.Field
	}
	return ""
}
