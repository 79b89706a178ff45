package auth

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
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

// bearer returns the token of an Authorization header, "" for another scheme (RFC 6750, section 2.1; the name of a
// scheme has no case).
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// first returns the first string that is not empty.
func first(lists ...[]string) string {
	for _, list := range lists {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
	}
	return ""
}

// or returns the first string that is not empty.
func or(values ...string) string { return first(values) }

// split takes lists whose items are separated by commas apart and drops empty items. Nil = nothing was named.
func split(values []string) []string {
	var all []string
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				all = append(all, item)
			}
		}
	}
	return all
}

// reader reads the fields of an auth payload and keeps the first error.
type reader struct {
	m   map[string]any
	err error
}

func (r *reader) fail(field string, value any, expected string) {
	if r.err == nil {
		r.err = ErrMalformed.because(fmt.Sprintf("%s: got %s, expected %s", field, kind(value), expected))
	}
}

func (r *reader) text(field string) string {
	switch v := r.m[field].(type) {
	case nil:
	case string:
		return v
	default:
		r.fail(field, v, "a string")
	}
	return ""
}

// id reads a string or a whole number that a double holds exactly.
func (r *reader) id(field string) string {
	switch v := r.m[field].(type) {
	case float64:
		const exact = 1 << 53
		if v == math.Trunc(v) && math.Abs(v) <= exact {
			return strconv.FormatInt(int64(v), 10)
		}
		r.fail(field, v, "a string")
	default:
		return r.text(field)
	}
	return ""
}

// list reads a string, whose items are separated by commas, or an array of strings.
func (r *reader) list(field string) []string {
	switch v := r.m[field].(type) {
	case nil:
	case string:
		return split([]string{v})
	case []any:
		if len(v) > maxChannels {
			r.fail(field, v, fmt.Sprintf("at most %d items", maxChannels))
			return nil
		}
		var all []string
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				r.fail(field, item, "strings in it")
				return nil
			}
			if s != "" {
				all = append(all, s)
			}
		}
		return all
	default:
		r.fail(field, v, "a string or an array of strings")
	}
	return nil
}

// kind names the JSON type of a value; the value itself may be a credential.
func kind(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return fmt.Sprintf("an object of %d fields", len(v))
	default:
		return "a value of another type"
	}
}
