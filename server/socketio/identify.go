package socketio

import "github.com/roomcast/roomcast/auth"

// identify authenticates a CONNECT.
func (c *client) identify(handshake auth.Credentials, p *packet) (
	given auth.Credentials, identity auth.Identity, err error,
) {
	handshake.ForHook = c.srv.AuthMode() == auth.ModeHook
	if given, err = c.given(handshake, p); err != nil {
		return given, identity, err
	}
	given.Namespace = p.namespace
	identity, err = c.authenticate(given)
	return given, identity, err
}

// given returns the credentials of a CONNECT. For a plain server the payload is the application's:
// it has no wishes for this server in it, and in open mode fields with the names of credentials that
// are not valid ones are no credentials.
func (c *client) given(handshake auth.Credentials, p *packet) (auth.Credentials, error) {
	given, err := handshake.WithAuth(p.auth)
	if !c.srv.opts.Plain {
		return given, err
	}
	if err != nil && c.srv.AuthMode() == auth.ModeOpen {
		return auth.Credentials{OriginKnown: handshake.OriginKnown}, nil
	}
	given.SessionID, given.Since, given.Channels, given.As = "", "", nil, nil
	return given, err
}

// authenticate returns the identity of a CONNECT.
func (c *client) authenticate(given auth.Credentials) (auth.Identity, error) {
	given.Via, given.Address = c.session.Transport(), c.admission.ip
	return c.srv.opts.Limits.Attempt(c.admission.ip, func() (auth.Identity, error) {
		return c.srv.opts.Auth.Authenticate(c.session.Context(), given, auth.SocketIO)
	})
}
