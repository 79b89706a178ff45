package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/rooms"
)

const (
	// MaxSessionID is the maximum length of a sessionId, in bytes.
	MaxSessionID = 64
	// MaxAs is the maximum number of event names that a client may choose for notifications.
	MaxAs = 8
	// maxChannels bounds the list of channels in a handshake. MAX_ROOMS limits how many of them a
	// connection joins.
	maxChannels = 1000
)

// Credentials are the fields that a client sends in its handshake. None of them is proved before
// [Authenticator.Authenticate]. An empty string counts as absent in every field.
type Credentials struct {
	Token      string // of auth.token, the query, Authorization or the cookie
	FromCookie bool   // Token is from the cookie, which the browser added
	Ticket     string
	UserID     string
	Username   string
	SessionID  string   // identifies a browser tab; at most MaxSessionID bytes
	Channels   []string // to join at once; not checked yet
	As         []string // event names for notifications; "type": their own
	Since      string   // the cursor, not parsed yet

	// OriginKnown reports whether the browser named the page's origin: by an Origin header, or with
	// a GET to the page's own host by "Sec-Fetch-Site: same-origin" or, over plain HTTP, by a
	// Referer of this host. The server checks whether the Origin is allowed.
	OriginKnown bool

	// Namespace, Via (the transport, "websocket" or "polling") and Address are for the [Hook], which
	// is told them. The server sets them. Streams need no Namespace and no Via.
	Namespace string
	Via       string
	Address   netip.Addr
	// ForHook means that the Hook decides about the client. WithAuth then takes a value of the wrong
	// type, and every userId, for a field of the application.
	ForHook bool

	request *http.Request              // of FromRequest
	crowded bool                       // the query has too many parameters
	payload map[string]json.RawMessage // of WithAuth
	other   string                     // another user id that the client named; "": none
	err     error                      // the first field that breaks its rules
}

// FromRequest reads the query, the Authorization header, the cookie and Last-Event-ID. The query
// takes precedence over the headers, except over Last-Event-ID, which a reconnecting EventSource
// sends with its old URL. A field that breaks its rules makes Authenticate fail.
func FromRequest(r *http.Request) Credentials {
	q := Query(r)
	c := Credentials{
		Username:  rooms.DisplayName(first(q["username"])),
		SessionID: first(q["sessionId"]),
		Channels:  channels(q),
		As:        append(split(q["as"], MaxAs), items(q, "as")...),
		Since: newest(r.Header["Last-Event-Id"], q["lastEventId"], q["last_event_id"],
			q["since"]),
		OriginKnown: originKnown(r),
		request:     r,
		crowded:     isCrowded(r),
	}
	c.nameUsers(q["userId"]...)
	c.readProof(r, q)
	c.err = c.check()
	return c
}

// readProof reads the token and the ticket.
func (c *Credentials) readProof(r *http.Request, q url.Values) {
	c.Token, c.Ticket = first(q["token"]), first(q["ticket"])
	if c.Token == "" {
		c.Token = bearer(r.Header.Get("Authorization"))
	}
	if c.Token == "" && c.Ticket == "" {
		c.Token = cookieToken(r.Header["Cookie"])
		c.FromCookie = c.Token != ""
	}
}

func originKnown(r *http.Request) bool {
	if r.Header.Get("Origin") != "" {
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return strings.EqualFold(site, "same-origin")
	}
	origin, host := RefererOrigin(r)
	return host != "" && strings.EqualFold(host, r.Host) &&
		(r.TLS == nil || strings.HasPrefix(origin, "https:"))
}

// RefererOrigin returns the origin and the host of the page in the Referer header, or "" if the
// header does not have the URL of a web page. Browsers send no Origin with a GET to the page's own
// host, and no Sec-Fetch-Site over plain HTTP, except to localhost, because it is not a secure
// context: then the Referer alone names the page. A page cannot send the Referer of another one.
func RefererOrigin(r *http.Request) (origin, host string) {
	u, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", ""
	}
	return u.Scheme + "://" + u.Host, u.Host
}

// channels returns the channels of a query. A list in `channels` is separated by commas. A value of
// `channel`, and one of an array (`channels[]`, `channels[0]`), is one name, which may have commas.
func channels(q url.Values) []string {
	return slices.Concat(split(q["channels"], maxChannels), whole(q["channel"]),
		items(q, "channels", "channel"))
}

// WithAuth returns c with the fields of a Socket.IO CONNECT payload, which take precedence. Of
// several credentials the first one in this order counts: auth.token, Authorization, auth.ticket,
// the cookie, auth.userId. A value of the wrong type is an [*Error] that names the field. userId
// may be a whole number, because many applications use numbers. The values of m must be valid JSON.
func (c Credentials) WithAuth(m map[string]json.RawMessage) (Credentials, error) {
	r := reader{m: m, lenient: c.ForHook}
	c.payload = m
	if c.ForHook {
		c = c.withoutUser()
	}
	token, ticket := r.text("token"), r.text("ticket")
	switch {
	case token != "":
		c.Token, c.FromCookie = token, false
	case ticket != "" && c.FromCookie:
		c.Token, c.FromCookie = "", false
	}
	c.Ticket = or(ticket, c.Ticket)
	c.Username = or(rooms.DisplayName(r.display("username")), c.Username)
	c.SessionID = or(r.id("sessionId"), c.SessionID)
	c.Since = or(r.id("since"), r.id("lastEventId"), c.Since)
	if channels := r.list("channels"); channels != nil {
		c.Channels = channels
	}
	if as := r.list("as"); as != nil {
		c.As = as
	}
	if id := r.id("userId"); id != "" && !c.ForHook {
		before := c.userIDs()
		c.nameUsers(append([]string{id}, before...)...)
	}
	if r.err == nil && c.err == nil {
		r.err = c.check()
	}
	if err := r.err; err != nil {
		return Credentials{}, err
	}
	return c, c.err
}

// Format writes c with *** for the token and the ticket, whatever the verb, so that no log line
// shows them.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", c.redacted()) }

// MarshalJSON encodes c with *** for the token and the ticket.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

// printable is Credentials without its methods.
type printable Credentials

func (c Credentials) redacted() printable {
	c.request, c.payload = nil, nil
	if c.Token != "" {
		c.Token = redacted
	}
	if c.Ticket != "" {
		c.Ticket = redacted
	}
	return printable(c)
}

// explicitToken reports whether the client itself sent a token, not the browser as a cookie.
func (c Credentials) explicitToken() bool { return c.Token != "" && !c.FromCookie }

// userIDs returns the user ids that the request names, in any field, at most two that differ. A
// token must match all: one field must not hide what another says.
func (c Credentials) userIDs() []string {
	switch {
	case c.UserID == "":
		return nil
	case c.other == "":
		return []string{c.UserID}
	}
	return []string{c.UserID, c.other}
}

// agrees reports whether every user id that the request names is this one, which is true when it
// names none.
func (c Credentials) agrees(userID string) bool {
	return !slices.ContainsFunc(c.userIDs(), func(given string) bool { return given != userID })
}

// nameUsers sets the user id to the first one that is not empty, and keeps one that differs. More
// are not needed: no user has two ids.
func (c *Credentials) nameUsers(ids ...string) {
	c.UserID, c.other = "", ""
	for _, id := range ids {
		switch {
		case id == "":
		case c.UserID == "":
			c.UserID = id
		case id != c.UserID && c.other == "":
			c.other = id
		}
	}
}

// withoutUser returns c without user ids, which mean nothing to the server when a hook decides.
func (c Credentials) withoutUser() Credentials {
	c.UserID, c.other = "", ""
	c.err = c.check()
	return c
}

// displayName is the name of a user when the token has none.
func (c Credentials) displayName(userID string) string { return or(c.Username, userID) }

// check returns an error for the first field that breaks its rules.
func (c Credentials) check() error {
	if c.crowded {
		return ErrMalformed.because(fmt.Sprintf("query: expected at most %d parameters",
			maxParameters))
	}
	for _, id := range c.userIDs() {
		if err := rooms.CheckUserID("userId", id); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if c.SessionID != "" {
		if err := rooms.CheckName("sessionId", c.SessionID, MaxSessionID); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if len(c.Channels) > maxChannels {
		return ErrMalformed.because(fmt.Sprintf("channels: expected at most %d names", maxChannels))
	}
	return c.checkAs()
}

func (c Credentials) checkAs() error {
	if len(c.As) > MaxAs {
		return ErrMalformed.because(fmt.Sprintf("as: expected at most %d names", MaxAs))
	}
	for _, name := range c.As {
		if err := rooms.CheckType(name); err != nil {
			return ErrMalformed.because("as: " + strings.TrimPrefix(err.Error(), "type: "))
		}
	}
	return nil
}
