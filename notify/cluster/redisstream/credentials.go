package redisstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/auth"
)

// errOtherPlace is the error of [Client.Reload].
var errOtherPlace = errors.New("expected another user and password only, and the same server")

// Reload takes over the user and the password of a URL, which is the same otherwise. Connections that
// are open stay open; others use the new ones. After an error nothing has changed. It ignores the
// other options.
func (c *Client) Reload(o Options) error {
	next, err := parseURL(string(o.URL))
	if err != nil {
		return fmt.Errorf("address of Redis: %w", err)
	}
	former := c.target.Load()
	if !next.isAt(former) {
		return fmt.Errorf("address of Redis: %w", errOtherPlace)
	}
	next.former = former.password // a connection that begins now may still send it
	if auth.Secret(former.password).Equal(next.password) {
		next.former = former.former
	}
	c.target.Store(next)
	return nil
}

// DiffersInUser reports whether two different URLs name the same server, and only another user or
// password of it, so that [Client.Reload] can take it over.
func DiffersInUser(one, other auth.Secret) bool {
	a, err := parseURL(string(one))
	if err != nil {
		return false
	}
	b, err := parseURL(string(other))
	return err == nil && a.isAt(b)
}

// credentials returns what a new connection sends.
func (c *Client) credentials(context.Context) (user, password string, err error) {
	t := c.target.Load()
	return t.user, t.password, nil
}
