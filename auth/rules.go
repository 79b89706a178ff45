package auth

import "errors"

// byTicket authenticates by a ticket. The ticket is used up even when the connection is refused.
func (a *rules) byTicket(c Credentials) (Identity, error) {
	t, err := a.tickets.redeem(c.Ticket)
	if err != nil {
		return Identity{}, err
	}
	id := t.identity
	if !c.agrees(id.UserID) {
		return Identity{}, ErrInvalid.because("userId differs from the user of the ticket")
	}
	// A ticket can be from before a restart, with other settings.
	switch {
	case !t.own:
		id.open = a.mode == ModeOpen
	case id.open && a.mode != ModeOpen: // nothing may have proved its user
		return Identity{}, errTicket
	}
	id.public = a.public
	if id.Username == "" {
		id.Username = c.displayName(id.UserID)
	}
	return id, nil
}

// byToken authenticates by a token. found is false when there is no token, or one to ignore.
func (a *rules) byToken(c Credentials) (id Identity, found bool, err error) {
	if c.Ticket != "" && !c.explicitToken() {
		return Identity{}, false, errNoTickets // the client sent it on purpose: do not ignore it
	}
	if c.Token == "" {
		return Identity{}, false, nil
	}
	v, err := a.verify(c.Token)
	switch {
	case err != nil && c.FromCookie && a.mode == ModeOpen && !errors.Is(err, ErrKeySetUnavailable):
		return Identity{}, false, nil
	case err != nil:
		return Identity{}, false, err
	case c.FromCookie && !c.OriginKnown:
		err := ErrForbidden.because("a cookie is accepted only if the request names its page, by " +
			"Origin, Sec-Fetch-Site: same-origin, or Referer")
		return Identity{}, false, err
	}
	if !c.agrees(v.subject) {
		err := ErrInvalid.because("userId differs from the subject of the token").by("sub")
		return Identity{}, false, err
	}
	return a.identity(v, c.displayName(v.subject)), true, nil
}

// byUserID accepts the user id as it is, in open mode only.
func (a *rules) byUserID(c Credentials) (Identity, error) {
	return Identity{UserID: c.UserID, Username: c.displayName(c.UserID), open: true}, nil
}
