package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// Hook asks the application in [ModeHook] who a client is. It is safe for concurrent use.
type Hook interface {
	// Ask returns the answer of the application. A refusal by the application is an [*Error] with
	// FromHook. Without a usable answer the error is [ErrHookUnavailable], and the error of ctx when
	// ctx has ended.
	Ask(ctx context.Context, q Question) (Answer, error)

	// Overloaded returns [ErrHookUnavailable] while a question about a client of this address would
	// not be asked. It is cheap: servers call it before they accept a connection.
	Overloaded(from netip.Addr) error
}

// Question is a question about one client in one namespace.
type Question struct {
	// Client is an object with the fields namespace, auth, query, headers, ip and transport. It has
	// the credentials of the client: it belongs in no log.
	Client json.RawMessage
	From   netip.Addr // of the client; the zero Addr is none
}

// Answer is the answer of an application that accepts a client. Its fields have been checked.
type Answer struct {
	UserID   string // "": an anonymous client
	Username string
	Rooms    []string        // the client joins them and needs no permission for them
	Channels []string        // patterns of channels that the client may join
	Publish  []string        // patterns of channels that the client may publish in
	Data     json.RawMessage // an object; nil: none

	// ExpiresAt is when the hook is asked again; the zero time means never.
	ExpiresAt time.Time
}

// ErrHookUnavailable means that the application gave no usable answer, or that too many questions
// wait. The same client may be accepted later.
var ErrHookUnavailable = &Error{
	Code: "unavailable", Message: "Authentication is not available, try again", Status: 503,
	RetryAfter: time.Second,
}

const (
	maxQuestion = 64 << 10 // bytes
	// maxKept is the size up to which a question is kept with its connection, to be asked again.
	// Questions of browsers have less than 2 KiB.
	maxKept = 8 << 10
	// minLife is the least time between two questions about one connection.
	minLife = time.Second
)

var errLargeQuestion = &Error{
	Code: "payload_too_large", Message: "Payload too large", Status: 413,
	Detail: "auth, query and headers have more than 64 KiB together",
}

// Overloaded returns an error while no connection from this address can be authenticated, because
// too many questions to the hook wait. It is nil in other modes.
func (a *Authenticator) Overloaded(from netip.Addr) error {
	if hook := a.current.Load().hook; hook != nil {
		return hook.Overloaded(from)
	}
	return nil
}

// byHook authenticates by the application.
func (a *rules) byHook(ctx context.Context, c Credentials, t Transport) (Identity, error) {
	q, err := c.question(t)
	if err != nil {
		return Identity{}, err
	}
	return a.ask(ctx, q)
}

// ask returns the identity of the client of a question.
func (a *rules) ask(ctx context.Context, q *Question) (Identity, error) {
	answer, err := a.hook.Ask(ctx, *q)
	if err != nil {
		return Identity{}, err
	}
	name := rooms.DisplayName(answer.Username)
	id := Identity{
		UserID: answer.UserID, Username: or(name, answer.UserID), Verified: true,
		Rooms: answer.Rooms, Data: answer.Data,
		join: answer.Channels, publish: answer.Publish, public: a.public,
	}
	if answer.UserID == "" {
		id.UserID, id.Username = Anonymous, or(name, Anonymous)
		id.Anonymous, id.Verified = true, false
	}
	if !answer.ExpiresAt.IsZero() {
		id.ExpiresAt = answer.ExpiresAt
		if soonest := a.now().Add(minLife); id.ExpiresAt.Before(soonest) {
			id.ExpiresAt = soonest
		}
		if len(q.Client) <= maxKept {
			id.question = q
		}
	}
	return id, nil
}

// client is Question.Client before it is encoded.
type client struct {
	Namespace string                     `json:"namespace"`
	Auth      map[string]json.RawMessage `json:"auth"`
	Query     map[string]any             `json:"query"`
	Headers   map[string]string          `json:"headers"`
	IP        string                     `json:"ip,omitempty"`
	Transport string                     `json:"transport"`
}

// question returns the question about the client that sent the credentials.
func (c Credentials) question(t Transport) (*Question, error) {
	asked := client{Namespace: c.Namespace, Auth: map[string]json.RawMessage{}, Transport: c.Via}
	if t == EventSource {
		asked.Namespace, asked.Transport = "/", "sse"
	}
	for name, value := range c.payload {
		if name != "pid" && name != "offset" { // the secret of a session, and its position
			asked.Auth[name] = value
		}
	}
	if c.request != nil {
		asked.Query, asked.Headers = parameters(Query(c.request)), shownHeaders(c.request)
	}
	if c.Address.IsValid() {
		asked.IP = c.Address.String()
	}
	return encodeQuestion(asked, c.Address)
}

func encodeQuestion(asked any, from netip.Addr) (*Question, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // escapes would make it several times its size
	if err := encoder.Encode(asked); err != nil {
		return nil, ErrMalformed.because("auth: " + err.Error())
	}
	if text.Len() > maxQuestion {
		return nil, errLargeQuestion
	}
	return &Question{bytes.Clone(bytes.TrimSpace(text.Bytes())), from}, nil
}

// parameters returns a query as Node parses it: a parameter is a string, or an array of strings if
// it is repeated.
func parameters(q url.Values) map[string]any {
	shown := make(map[string]any, len(q))
	for name, values := range q {
		if len(values) == 1 {
			shown[name] = values[0]
		} else {
			shown[name] = values
		}
	}
	return shown
}

// shownHeaders returns the headers of a handshake that applications decide by. A browser adds
// cookies to the requests of every page, so a request of a browser that does not name its page has
// none, see [Credentials.OriginKnown].
func shownHeaders(r *http.Request) map[string]string {
	shown := map[string]string{}
	for _, name := range []string{
		"Cookie", "Authorization", "Origin", "User-Agent", "X-Forwarded-For",
	} {
		between := ", "
		if name == "Cookie" {
			if between = "; "; r.Header.Get("Sec-Fetch-Site") != "" && !originKnown(r) {
				continue
			}
		}
		if values := r.Header.Values(name); len(values) > 0 {
			shown[strings.ToLower(name)] = strings.Join(values, between)
		}
	}
	return shown
}

// with returns the question with another token: in the query of a stream, else in auth.
func (q *Question) with(token string) (*Question, error) {
	var asked map[string]json.RawMessage
	if err := json.Unmarshal(q.Client, &asked); err != nil {
		return nil, err
	}
	field := "auth"
	if string(asked["transport"]) == `"sse"` {
		field = "query"
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(asked[field], &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields["token"], _ = json.Marshal(token) // a string always encodes
	asked[field], _ = json.Marshal(fields)
	return encodeQuestion(asked, q.From)
}

// size is what the parts of an answer hold.
func (id Identity) size() (n int) {
	n = len(id.Data)
	if id.question != nil {
		n += len(id.question.Client)
	}
	for _, name := range slices.Concat(id.Rooms, id.join, id.publish) {
		n += len(name) + 16
	}
	return n
}
