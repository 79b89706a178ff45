package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/rooms"
)

// CookieName is the cookie that may carry a token.
const CookieName = "auth_token"

const (
	// MaxSessionID is the longest sessionId, in bytes.
	MaxSessionID = 64
	// MaxAs is the most names a client may ask its notifications to be called.
	MaxAs = 8
	// maxChannels bounds the list of a handshake; how many a connection may really join is a setting elsewhere.
	maxChannels = 1000
)

// Credentials are what a client says at its handshake: who it is, and what it would like. Nothing of it is believed
// before [Authenticator.Authenticate]. An empty string is an absent one everywhere.
type Credentials struct {
	Token      string // from auth.token, the query or the Authorization header, else from the cookie
	FromCookie bool   // Token is the cookie's: the browser added it, not the page
	Ticket     string
	UserID     string
	Username   string
	SessionID  string   // names a tab; at most MaxSessionID bytes
	Channels   []string // to be joined at once; not checked against the rules of channels
	As         []string // names for notifications; "type" = their own
	Since      string   // the cursor as it came

	// OriginKnown says that the browser named the page's origin: by Origin, or by "Sec-Fetch-Site: same-origin",
	// which is all that it sends with a GET to the page's own host. Whether the origin is allowed is for the server
	// to check.
	OriginKnown bool

	others []string // further user ids that the client named
	err    error    // the first field that breaks its rules
}

// FromRequest reads the query, the Authorization header, the cookie and Last-Event-ID. The query has precedence over
// the headers but for Last-Event-ID, which a reconnecting EventSource sends beside its old URL. A field that breaks its
// rules makes Authenticate fail.
func FromRequest(r *http.Request) Credentials {
	q := r.URL.Query()
	c := Credentials{
		Token:     first(q["token"]),
		Ticket:    first(q["ticket"]),
		Username:  first(q["username"]),
		SessionID: first(q["sessionId"]),
		Channels:  split(q["channels"]),
		As:        split(q["as"]),
		Since:     first(r.Header["Last-Event-Id"], q["lastEventId"], q["last_event_id"], q["since"]),
		OriginKnown: r.Header.Get("Origin") != "" ||
			strings.EqualFold(r.Header.Get("Sec-Fetch-Site"), "same-origin"),
	}
	c.nameUsers(q["userId"]...)
	if c.Token == "" {
		c.Token = bearer(r.Header.Get("Authorization"))
	}
	if c.Token == "" && c.Ticket == "" {
		if cookie, err := r.Cookie(CookieName); err == nil && cookie.Value != "" {
			c.Token, c.FromCookie = cookie.Value, true
		}
	}
	c.err = c.check()
	return c
}

// WithAuth returns c with the auth payload of a Socket.IO CONNECT laid over it. Of the credentials the first counts:
// auth.token, Authorization, auth.ticket, the cookie, auth.userId. A value of the wrong type is an [*Error] that names
// the field; userId may be a whole number, which ids often are.
func (c Credentials) WithAuth(m map[string]any) (Credentials, error) {
	r := reader{m: m}
	token, ticket := r.text("token"), r.text("ticket")
	switch {
	case token != "":
		c.Token, c.FromCookie = token, false
	case ticket != "" && c.FromCookie:
		c.Token, c.FromCookie = "", false
	}
	c.Ticket = or(ticket, c.Ticket)
	c.Username = or(r.text("username"), c.Username)
	c.SessionID = or(r.text("sessionId"), c.SessionID)
	c.Since = or(r.text("since"), r.text("lastEventId"), c.Since)
	if channels := r.list("channels"); channels != nil {
		c.Channels = channels
	}
	if as := r.list("as"); as != nil {
		c.As = as
	}
	if id := r.id("userId"); id != "" {
		before := c.userIDs()
		c.others = nil
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

// Format writes c for any verb with *** for the token and the ticket, so that a log line shows neither.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", c.redacted()) }

// MarshalJSON does the same for JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

// printable is Credentials without its methods.
type printable Credentials

func (c Credentials) redacted() printable {
	if c.Token != "" {
		c.Token = redacted
	}
	if c.Ticket != "" {
		c.Ticket = redacted
	}
	return printable(c)
}

// explicitToken reports whether the client itself showed a token.
func (c Credentials) explicitToken() bool { return c.Token != "" && !c.FromCookie }

// userIDs returns every user id that was named, at any place. A token must agree with all of them: else what one place
// says would hide what another says.
func (c Credentials) userIDs() []string {
	if c.UserID == "" {
		return nil
	}
	return append([]string{c.UserID}, c.others...)
}

// agrees reports whether every user id that was named is this one. None agrees with any.
func (c Credentials) agrees(userID string) bool {
	return !slices.ContainsFunc(c.userIDs(), func(given string) bool { return given != userID })
}

// nameUsers sets the user id to the first that is not empty and keeps the others.
func (c *Credentials) nameUsers(ids ...string) {
	c.UserID = ""
	for _, id := range ids {
		switch {
		case id == "":
		case c.UserID == "":
			c.UserID = id
		case id != c.UserID && !slices.Contains(c.others, id):
			c.others = append(slices.Clone(c.others), id)
		}
	}
}

// displayName is what to call a user of whom no token says a name.
func (c Credentials) displayName(userID string) string { return or(c.Username, userID) }

// check holds the fields against their rules.
func (c Credentials) check() error {
	for _, id := range c.userIDs() {
		if err := rooms.CheckUserID("userId", id); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if c.Username != "" {
		if err := rooms.CheckName("username", c.Username, rooms.MaxName); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if c.SessionID != "" {
		if err := rooms.CheckName("sessionId", c.SessionID, MaxSessionID); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if len(c.Channels) > maxChannels {
		return ErrMalformed.because(fmt.Sprintf("channels: %d names, expected at most %d", len(c.Channels), maxChannels))
	}
	return c.checkAs()
}

func (c Credentials) checkAs() error {
	if len(c.As) > MaxAs {
		return ErrMalformed.because(fmt.Sprintf("as: %d names, expected at most %d", len(c.As), MaxAs))
	}
	for _, name := range c.As {
		if err := rooms.CheckType(name); err != nil {
			return ErrMalformed.because("as: " + strings.TrimPrefix(err.Error(), "type: "))
		}
	}
	return nil
}
