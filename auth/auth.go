// Package auth turns the credentials of a connection (a token, a ticket, a cookie or a bare user
// id) into one [Identity], by the same rules for every transport.
package auth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Transport is how a connection reaches the server. It decides only whether a connection without
// credentials is accepted.
type Transport int

const (
	// SocketIO is a Socket.IO client, over websocket or polling.
	SocketIO Transport = iota
	// EventSource is a stream of server-sent events. A browser can send no credentials with it
	// except those in the URL and cookies.
	EventSource
)

// MinSecret is the minimum length of a secret for HS256, in bytes: the length of the hash (RFC
// 7518, section 3.2).
const MinSecret = 32

// MaxFurther is the maximum number of secrets besides the first. An invalid token is compared with
// all of them.
const MaxFurther = 7

// DefaultLeeway is the tolerated difference between the clock of the token's issuer and the clock
// of this server.
const DefaultLeeway = 30 * time.Second

// Options configure an [Authenticator]. The zero value is open mode without a key.
type Options struct {
	Mode       Mode
	Secret     Secret             // for HS256 tokens; at least MinSecret bytes; empty: none
	Further    []Secret           // verify HS256 tokens too, while Secret is replaced; at most MaxFurther
	PublicKeys []crypto.PublicKey // verify other algorithms, see ParsePublicKeys
	KeySet     *KeySet            // verifies tokens of an identity provider; excludes PublicKeys
	Issuer     string             // the required iss of tokens; "": any
	Audience   string             // required in the aud of tokens; "": any
	Tickets    *Tickets           // the accepted tickets; nil: none
	Hook       Hook               // required in hook mode

	// PublicChannels are patterns of channels that everyone may join in token, ticket and hook mode.
	// Open mode allows every channel.
	PublicChannels []string

	// AllowAnonymousSocketIO accepts Socket.IO clients without user id and token in open mode.
	// EventSource streams need no such permission.
	AllowAnonymousSocketIO bool

	Now    func() time.Time // nil: time.Now
	Leeway time.Duration    // 0: DefaultLeeway
}

// haveKey reports whether a key is set that can verify tokens.
func (o Options) haveKey() bool {
	return len(o.Secret) > 0 || len(o.PublicKeys) > 0 || o.KeySet != nil
}

func (o Options) checkSecrets() (errs []error) {
	if len(o.Secret) > 0 && len(o.Secret) < MinSecret {
		errs = append(errs, fmt.Errorf("auth: the secret has %d bytes, expected at least %d",
			len(o.Secret), MinSecret))
	}
	if len(o.Further) > 0 && len(o.Secret) == 0 {
		errs = append(errs, errors.New("auth: Further needs Secret"))
	}
	if len(o.Further) > MaxFurther {
		errs = append(errs, fmt.Errorf("auth: got %d further secrets, expected at most %d",
			len(o.Further), MaxFurther))
	}
	for i, secret := range o.Further {
		if len(secret) < MinSecret {
			errs = append(errs, fmt.Errorf("auth: further secret %d has %d bytes, expected at least %d",
				i+1, len(secret), MinSecret))
		}
	}
	return errs
}

// Authenticator decides which identity a connection has. It is safe for concurrent use.
type Authenticator struct {
	current  atomic.Pointer[rules]
	renewals renewals
}

// rules are one version of what an Authenticator accepts. They are immutable.
type rules struct {
	mode Mode
	// verify is nil without a key. It is a closure, so that printing the struct shows no key.
	verify    func(token string) (verified, error)
	tickets   *Tickets // nil: none are accepted
	hook      Hook     // nil except in hook mode
	public    patterns
	anonymous bool
	now       func() time.Time
}

// New returns an Authenticator. The error names each wrong option.
func New(o Options) (*Authenticator, error) {
	r, err := newRules(o)
	if err != nil {
		return nil, err
	}
	a := new(Authenticator)
	a.current.Store(r)
	return a, nil
}

// Reload replaces the options, for example the keys, for the credentials that are checked from now
// on. Connections keep the identity that they have. The mode must resolve to the same one, because
// the transports offer what it needs. After an error nothing has changed.
func (a *Authenticator) Reload(o Options) error {
	r, err := newRules(o)
	if err != nil {
		return err
	}
	if former := a.Mode(); r.mode != former {
		return fmt.Errorf("auth: the mode is %s, and %s needs a restart", former, r.mode)
	}
	a.current.Store(r)
	return nil
}

func newRules(o Options) (*rules, error) {
	var errs []error
	haveKey := o.haveKey()
	mode := o.Mode.Resolve(haveKey)
	if mode != ModeToken && mode != ModeTicket && mode != ModeOpen && mode != ModeHook {
		errs = append(errs,
			fmt.Errorf("auth: unknown mode %q, expected token, ticket, hook, open or auto", o.Mode))
	}
	if mode == ModeHook && (o.Hook == nil || haveKey) {
		errs = append(errs, errors.New("auth: hook mode needs Hook and no key, because the hook "+
			"decides about tokens too"))
	}
	if mode == ModeTicket && (o.Tickets == nil || haveKey) {
		errs = append(errs, errors.New("auth: ticket mode needs Tickets and no key; "+
			"token mode accepts both tokens and tickets"))
	}
	if mode == ModeToken && !haveKey {
		errs = append(errs, errors.New("auth: token mode needs a key"))
	}
	errs = append(errs, o.checkSecrets()...)
	if o.KeySet != nil && len(o.PublicKeys) > 0 {
		errs = append(errs, errors.New("auth: PublicKeys and KeySet exclude each other"))
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
	a := &rules{
		mode:      mode,
		tickets:   o.Tickets,
		public:    slices.Clone(o.PublicChannels),
		anonymous: o.AllowAnonymousSocketIO,
		now:       o.Now,
	}
	if a.now == nil {
		a.now = time.Now
	}
	if mode == ModeHook {
		a.hook = o.Hook
	}
	if haveKey {
		a.verify = newVerifier(keys, o, a.now)
	}
	return a, nil
}

// Mode returns [ModeToken], [ModeTicket], [ModeHook] or [ModeOpen].
func (a *Authenticator) Mode() Mode { return a.current.Load().mode }

// Authenticate returns the identity of a connection, or an [*Error] that may be sent to its client.
// Token mode accepts, in this order:
//
//   - a valid token that the client itself sends, which a cookie is not;
//   - a valid ticket, which can be used once;
//   - a cookie with a valid token.
//
// A user id that the client sends too must be the one of the token or ticket. Ticket mode accepts a
// ticket only. Hook mode accepts a ticket, and asks the [Hook] about clients without one; only then
// ctx is used. Open mode with a key accepts, in this order:
//
//   - a valid token that the client itself sends; an invalid one is an error;
//   - a valid ticket; an invalid one is an error;
//   - a cookie with a valid token; an invalid one is ignored;
//   - a bare user id;
//   - an anonymous connection, see [Options.AllowAnonymousSocketIO].
//
// Open mode without a key cannot verify tokens and ignores them: a ticket must be valid, else a
// bare user id is accepted, and a connection with a token alone is anonymous on either transport.
//
// A cookie with a valid token is refused when the browser did not name the page that sent the
// request, see [Credentials.OriginKnown], because a browser adds cookies to the requests of every
// page.
func (a *Authenticator) Authenticate(
	ctx context.Context, c Credentials, t Transport,
) (Identity, error) {
	return a.current.Load().authenticate(ctx, c, t)
}

func (a *rules) authenticate(
	ctx context.Context, c Credentials, t Transport,
) (Identity, error) {
	if a.hook != nil {
		c = c.withoutUser()
	}
	if c.err != nil {
		return Identity{}, c.err
	}
	if c.Ticket != "" && a.tickets != nil && (a.verify == nil || !c.explicitToken()) {
		return a.byTicket(c)
	}
	if a.hook != nil && c.Ticket == "" {
		return a.byHook(ctx, c, t)
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

// identity returns the identity of a valid token. It has the given name when the token has none.
func (a *rules) identity(v verified, name string) Identity {
	return Identity{
		UserID: v.subject, Username: or(v.name, name), Verified: true, ExpiresAt: v.expires,
		open: a.mode == ModeOpen, join: v.channels, publish: v.publish, public: a.public,
	}
}
