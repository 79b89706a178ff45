package auth

import "context"

// Refresh returns the identity that a connection has from now on: that of a new token, which must be of the same user.
// The name stays when the token says none. The identity may be allowed less than before, and end earlier. The errors
// are those of [Authenticator.Authenticate]; the connection keeps what it had.
func (a *Authenticator) Refresh(_ context.Context, current Identity, token string) (Identity, error) {
	switch {
	case token == "":
		return Identity{}, ErrRequired
	case a.verify == nil:
		return Identity{}, ErrForbidden.because("this server has no key to check a token with")
	case current.Anonymous:
		return Identity{}, ErrForbidden.because("a connection of nobody has no token to renew")
	}
	v, err := a.verify(token)
	if err != nil {
		return Identity{}, err
	}
	if v.subject != current.UserID {
		return Identity{}, ErrForbidden.because("the token is of another user")
	}
	return a.identity(v, current.Username), nil
}
