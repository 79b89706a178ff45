package socketio

import (
	"context"
	"net/http"
	"net/netip"
	"sync"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/engineio"
	"github.com/roomcast/roomcast/server/limit"
)

// sessionContext is the context of an Engine.IO session. It has what the server keeps of the
// handshake request, besides the parts that the session keeps itself.
type sessionContext struct {
	context.Context
	ip    netip.Addr // of the client, for which the session counts
	bound *binding   // nil: whoever knows the session id may use the session
}

func newSessionContext(r *http.Request) context.Context {
	c := &sessionContext{Context: context.Background(), ip: edge.ClientIP(r)}
	// A session that starts with a WebSocket takes no further requests.
	if r.URL.Query().Get("transport") == engineio.Polling {
		if f := auth.FingerprintOf(r); !f.IsZero() {
			c.bound = &binding{credentials: f, header: f.InHeader()}
		}
	}
	return c
}

type sessionKey struct{}

// Value implements context.Context.
func (c *sessionContext) Value(key any) any {
	if key == (sessionKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func contextOf(session *engineio.Session) *sessionContext {
	return session.Context().Value(sessionKey{}).(*sessionContext)
}

// binding ties a session to the token or ticket of its handshake request. The id of a session on
// HTTP long-polling is in the URL of each request, so it is less secret than credentials: it alone
// must not be enough to read the events of a user. nil binds to nothing.
type binding struct {
	header bool // the handshake had an Authorization header

	mu          sync.Mutex
	credentials auth.Fingerprint
	client      *client // nil until the session has one
	connected   bool    // a CONNECT was accepted
	used        bool    // by the credentials of the handshake
}

func (b *binding) setClient(c *client) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.client = c
}

// accepted notes that a CONNECT with these credentials was accepted. handshake are those of the
// handshake request.
func (b *binding) accepted(identity auth.Identity, given, handshake auth.Credentials) {
	if b == nil {
		return
	}
	used := given.Token != "" && given.Token == handshake.Token ||
		given.Ticket != "" && given.Ticket == handshake.Ticket
	b.mu.Lock()
	defer b.mu.Unlock()
	b.connected = true
	b.used = b.used || used && identity.Verified
}

// allows reports whether requests with these credentials may use the session: because they are the
// expected ones, or because the client does not depend on those of its handshake, such as the
// cookie of another application.
func (b *binding) allows(f auth.Fingerprint) (client *client, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.client, f.Equal(b.credentials) || b.connected && !b.used
}

func (b *binding) renew(f auth.Fingerprint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.credentials = f
}

// authorize reports whether a request for a session is from its client. It compares the request
// with the handshake, so a client that authenticates by the payload of CONNECT only sends nothing
// that could be compared. Of the others it accepts
//
//   - the same token or ticket, also after its end: the session has its own end, and a new token
//     can move it (auth:refresh);
//   - another valid token of the same user: a page gets a new cookie or token while it polls;
//   - the WebSocket of an upgrade without the Authorization header of the handshake, from the
//     address of the handshake: a page cannot send this header with a WebSocket.
func (s *Server) authorize(session *engineio.Session, r *http.Request) bool {
	from := contextOf(session)
	if from.bound == nil {
		return true
	}
	given := auth.FingerprintOf(r)
	client, ok := from.bound.allows(given)
	if ok {
		return true
	}
	upgrade := r.URL.Query().Get("transport") == engineio.WebSocket
	if upgrade && from.bound.header && !given.Explicit() &&
		limit.Bucket(from.ip) == limit.Bucket(edge.ClientIP(r)) {
		return true
	}
	if !s.provesUser(client, r) {
		return false
	}
	// The credentials of an upgrade are for one request: polling may continue with its own.
	if !upgrade {
		from.bound.renew(given)
	}
	return true
}

// provesUser reports whether a request has a valid token of a user of the client. It checks no
// tickets, because a check uses them up.
func (s *Server) provesUser(c *client, r *http.Request) bool {
	given := auth.FromRequest(r)
	given.Ticket = ""
	given.Namespace, given.Via = notify.RootNamespace, engineio.Polling
	given.Address = edge.ClientIP(r)
	if c == nil || given.Token == "" {
		return false
	}
	identity, err := s.opts.Limits.Attempt(edge.ClientIP(r), func() (auth.Identity, error) {
		return s.opts.Auth.Authenticate(r.Context(), given, auth.SocketIO)
	})
	return err == nil && identity.Verified && c.hasUser(identity.UserID)
}

// hasUser reports whether the client has proved this user in one of its namespaces.
func (c *client) hasUser(user string) bool {
	for _, conn := range c.all() {
		if identity := conn.Identity(); identity.Verified && identity.UserID == user {
			return true
		}
	}
	return false
}
