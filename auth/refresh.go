package auth

import "context"

// Refresh returns the identity of a connection after it has sent a new token, which must be of the
// same user. The identity keeps its name when the token has none. It may have fewer rights than
// before and expire earlier. The errors are those of [Authenticator.Authenticate]; after an error
// the connection keeps its identity.
func (a *Authenticator) Refresh(
	_ context.Context, current Identity, token string,
) (Identity, error) {
	return a.current.Load().refresh(current, token)
}

func (a *rules) refresh(current Identity, token string) (Identity, error) {
	switch {
	case token == "":
		return Identity{}, ErrRequired
	case a.verify == nil:
		return Identity{}, ErrForbidden.because("this server has no key to verify tokens")
	case current.Anonymous:
		return Identity{}, ErrForbidden.because("an anonymous connection has no token to renew")
	}
	v, err := a.verify(token)
	if err != nil {
		return Identity{}, err
	}
	if v.subject != current.UserID {
		return Identity{}, ErrForbidden.because("the token belongs to another user").by("sub")
	}
	return a.identity(v, current.Username), nil
}
