package auth

import "context"

// Refresh returns the identity of a connection after it has sent a new token, which must be of the
// same user. The identity keeps its name when the token has none. It may have fewer rights than
// before and expire earlier. In hook mode the hook is asked about the connection, with the new token in
// place of the former one, and the identity is the hook's answer. The errors are those of [Authenticator.Authenticate]; after an error
// the connection keeps its identity.
func (a *Authenticator) Refresh(
	ctx context.Context, current Identity, token string,
) (Identity, error) {
	return a.current.Load().refresh(ctx, current, token)
}

func (a *rules) refresh(ctx context.Context, current Identity, token string) (Identity, error) {
	switch {
	case token == "":
		return Identity{}, ErrRequired
	case a.hook != nil:
		return a.refreshByHook(ctx, current, token)
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
