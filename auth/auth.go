// Package auth turns what a connection shows (a token, a ticket, a cookie or a bare user id) into one [Identity], by the
// same rules for every transport.
package auth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Mode says whom to believe.
type Mode string

const (
	// ModeAuto is [ModeToken] when a key is set, else [ModeOpen]. The zero Mode means the same.
	ModeAuto Mode = "auto"
	// ModeToken wants a valid token or ticket of every connection.
	ModeToken Mode = "token"
	// ModeTicket wants a valid ticket of every connection. It is for backends that sign their users in without tokens,
	// and needs no key.
	ModeTicket Mode = "ticket"
	// ModeOpen believes a bare user id. It is for development and for networks where every client is trusted.
	ModeOpen Mode = "open"
)

// Resolve returns the mode that m stands for: [ModeToken], [ModeTicket] or [ModeOpen]. An unknown mode resolves to itself.
func (m Mode) Resolve(haveKey bool) Mode {
	switch {
	case m != ModeAuto && m != "":
		return m
	case haveKey:
		return ModeToken
	default:
		return ModeOpen
	}
}

// Transport is the way a connection speaks. It matters for one thing only: who may come without any credentials.
type Transport int

const (
	// SocketIO is a Socket.IO client, by websocket or polling.
	SocketIO Transport = iota
	// EventSource is a stream of server-sent events. It cannot say more than its URL does.
	EventSource
)

// MinSecret is the shortest secret for HS256, in bytes: as long as the hash (RFC 7518, section 3.2).
const MinSecret = 32

// DefaultLeeway is how far the clocks of the token's issuer and of this server may differ.
const DefaultLeeway = 30 * time.Second

// Options are the rules of one [Authenticator]. The zero value is open mode without a key.
type Options struct {
	Mode           Mode
	Secret         Secret             // verifies HS256 tokens, at least MinSecret bytes; empty = no key
	PublicKeys     []crypto.PublicKey // verify RS256, ES256, ES384, ES512 or EdDSA, as ParsePublicKeys says
	KeySet         *KeySet            // verifies what an identity provider signs; not together with PublicKeys
	Issuer         string             // the iss a token must have; "" = any
	Audience       string             // one that must be in the token's aud; "" = any
	PublicChannels []string           // patterns of channels that everyone may join, but for open mode, where any may be joined
	Tickets        *Tickets           // whose tickets are accepted; nil = none are

	// AllowAnonymousSocketIO lets a Socket.IO client in without user id and token, in open mode. An EventSource
	// needs no such permission.
	AllowAnonymousSocketIO bool

	Now    func() time.Time // nil = time.Now
	Leeway time.Duration    // 0 = DefaultLeeway
}

// haveKey reports whether a token can be verified.
func (o Options) haveKey() bool { return len(o.Secret) > 0 || len(o.PublicKeys) > 0 || o.KeySet != nil }

// Authenticator decides who a connection is. It is safe for concurrent use and never changes.
type Authenticator struct {
	mode      Mode
	verify    func(token string) (verified, error) // nil = no key; a closure, so that printing the struct shows no key
	tickets   *Tickets                             // nil = none are accepted
	public    patterns
	anonymous bool
	now       func() time.Time
}

// New returns an Authenticator, or an error that names each option at fault.
func New(o Options) (*Authenticator, error) {
	var errs []error
	haveKey := o.haveKey()
	mode := o.Mode.Resolve(haveKey)
	if mode != ModeToken && mode != ModeTicket && mode != ModeOpen {
		errs = append(errs, fmt.Errorf("auth: mode %q is unknown, expected token, ticket, open or auto", o.Mode))
	}
	if mode == ModeTicket && (o.Tickets == nil || haveKey) {
		errs = append(errs, errors.New("auth: ticket mode needs tickets and no key; token mode takes tickets beside tokens"))
	}
	if mode == ModeToken && !haveKey {
		errs = append(errs, errors.New("auth: token mode needs a key, none is set"))
	}
	if len(o.Secret) > 0 && len(o.Secret) < MinSecret {
		errs = append(errs, fmt.Errorf("auth: the secret has %d bytes, expected at least %d", len(o.Secret), MinSecret))
	}
	if o.KeySet != nil && len(o.PublicKeys) > 0 {
		errs = append(errs, errors.New("auth: public keys and a key set exclude each other, both are set"))
	}
	keys, err := newKeyring(o)
	if err != nil {
		errs = append(errs, err)
	}
	if o.Leeway < 0 {
		errs = append(errs, fmt.Errorf("auth: leeway %s is negative", o.Leeway))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	a := &Authenticator{
		mode:      mode,
		tickets:   o.Tickets,
		public:    slices.Clone(o.PublicChannels),
		anonymous: o.AllowAnonymousSocketIO,
		now:       o.Now,
	}
	if a.now == nil {
		a.now = time.Now
	}
	if haveKey {
		a.verify = newVerifier(keys, o, a.now)
	}
	return a, nil
}

// Mode returns [ModeToken], [ModeTicket] or [ModeOpen].
func (a *Authenticator) Mode() Mode { return a.mode }

// Authenticate returns who the connection is, or an [*Error] made for its client. In token mode:
//
//   - a valid token that the client shows, not a cookie;
//   - a ticket, which is used up by it;
//   - a cookie with a valid token;
//   - nothing else.
//
// A user id beside them must equal theirs. In ticket mode only a ticket counts. In open mode with a key, in this order:
//
//   - an explicit token (not a cookie), which must be valid;
//   - a ticket, which must be valid;
//   - a cookie with a valid token; an invalid one counts as absent;
//   - a bare user id;
//   - an anonymous connection, see [Options.AllowAnonymousSocketIO].
//
// In open mode without a key nothing could verify a token: a ticket must be valid, else a bare user id is believed
// whatever stands beside it, and a token alone is an anonymous connection on either transport.
//
// A valid cookie is refused when nothing says which page the request came from (see [Credentials.OriginKnown]),
// because a browser adds cookies by itself.
func (a *Authenticator) Authenticate(_ context.Context, c Credentials, t Transport) (Identity, error) {
	if c.err != nil {
		return Identity{}, c.err
	}
	if c.Ticket != "" && a.tickets != nil && (a.verify == nil || !c.explicitToken()) {
		return a.byTicket(c)
	}
	if a.verify != nil {
		id, found, err := a.byToken(c)
		if found || err != nil {
			return id, err
		}
	}
	if a.mode != ModeOpen {
		return Identity{}, ErrRequired
	}
	if c.UserID != "" {
		return a.byUserID(c)
	}
	if c.Ticket != "" {
		return Identity{}, errNoTickets
	}
	if t == EventSource || a.anonymous || c.explicitToken() {
		return Identity{UserID: Anonymous, Username: Anonymous, Anonymous: true, open: true}, nil
	}
	return Identity{}, ErrRequired
}

// byTicket uses the ticket up, whatever comes of it.
func (a *Authenticator) byTicket(c Credentials) (Identity, error) {
	t, err := a.tickets.redeem(c.Ticket)
	if err != nil {
		return Identity{}, err
	}
	id := t.identity
	if !c.agrees(id.UserID) {
		return Identity{}, ErrInvalid.because("userId is not the user of the ticket")
	}
	if !t.own {
		id.open, id.public = a.mode == ModeOpen, a.public
	}
	if id.Username == "" {
		id.Username = c.displayName(id.UserID)
	}
	return id, nil
}

// byToken reads the token, if there is one that counts.
func (a *Authenticator) byToken(c Credentials) (id Identity, found bool, err error) {
	if c.Ticket != "" && !c.explicitToken() {
		return Identity{}, false, errNoTickets // shown on purpose, so never passed over in silence
	}
	if c.Token == "" {
		return Identity{}, false, nil
	}
	v, err := a.verify(c.Token)
	switch {
	case err != nil && c.FromCookie && a.mode == ModeOpen:
		return Identity{}, false, nil
	case err != nil:
		return Identity{}, false, err
	case c.FromCookie && !c.OriginKnown:
		return Identity{}, false, ErrForbidden.because("a cookie needs an Origin header beside it")
	}
	if !c.agrees(v.subject) {
		return Identity{}, false, ErrInvalid.because("userId is not the subject of the token")
	}
	return a.identity(v, c.displayName(v.subject)), true, nil
}

// identity is what a good token gives. name stands in for a name that the token does not say.
func (a *Authenticator) identity(v verified, name string) Identity {
	return Identity{
		UserID: v.subject, Username: or(v.name, name), Verified: true, ExpiresAt: v.expires,
		open: a.mode == ModeOpen, join: v.channels, publish: v.publish, public: a.public,
	}
}

// byUserID believes the client, which only open mode does.
func (a *Authenticator) byUserID(c Credentials) (Identity, error) {
	return Identity{UserID: c.UserID, Username: c.displayName(c.UserID), open: true}, nil
}
