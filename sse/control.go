package sse

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// ownName is the value of `as` that keeps the type of a notification as its event name.
const ownName = "type"

// neverRetry is the reconnection time after the server has ended a stream on purpose.
const neverRetry = 24 * time.Hour

const heartbeatComment = ": heartbeat\n\n"

// names are the event names of one stream. "" means that each event keeps its own name.
type names struct {
	notifications string
	control       string
	envelope      bool // everything except control events has the form of a notification
}

// namesOf returns the names that the client requests, otherwise the default of the route, otherwise
// fallback.
func namesOf(asked []string, route, fallback string) (names, error) {
	as := fallback
	switch {
	case len(asked) > 1:
		return names{}, &notify.ValidationError{Field: "as",
			Reason: strconv.Itoa(len(asked)) + " names, expected one: an event has one name"}
	case len(asked) == 1:
		as = asked[0]
	case route != "":
		as = route
	}
	if as == ownName {
		return names{}, nil
	}
	n := names{notifications: as}
	if as == route {
		n.control = route
	}
	return n, nil
}

// appendControl appends a control event. An empty id does not change the client's cursor.
func (n names) appendControl(dst []byte, id, name string, data any) []byte {
	if id != "" {
		dst = appendField(dst, "id", id)
	}
	dst = appendField(dst, "event", n.event(name))
	text, _ := json.Marshal(data) // structs of strings, numbers and booleans
	return append(appendData(dst, text), '\n')
}

// appendSync appends the cursor, so that the cursor of a client in rooms without messages stays
// inside the history.
func (n names) appendSync(dst []byte, cursor notify.ID) []byte {
	dst = appendField(dst, "event", n.event("sync"))
	dst = appendID(dst, cursor)
	if n.control != "" {
		return append(dst, "data: {\"type\":\"sync\"}\n\n"...)
	}
	return append(dst, "data: {}\n\n"...)
}

func (n names) event(name string) string {
	if n.control != "" {
		return n.control
	}
	return name
}

// newRetry returns a random reconnection time of 1 to 5 s, so that the clients of a server that
// ends do not reconnect all at once.
func newRetry() time.Duration {
	return minRetry + time.Duration(rand.Int64N(4001))*time.Millisecond
}

const minRetry = time.Second

func appendRetry(dst []byte, retry time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, retry.Milliseconds(), 10)
	return append(dst, '\n')
}

// connected is the first event of a stream.
type connected struct {
	Type             string `json:"type"`
	ClientID         string `json:"clientId"`
	SocketID         string `json:"socketId"` // the same, as a Socket.IO client expects it
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	Timestamp        string `json:"timestamp"`
	TotalConnections int    `json:"totalConnections"`
	Recovered        bool   `json:"recovered"` // nothing after the client's cursor is missing
	Transport        string `json:"transport"`
	Secret           string `json:"secret"` // see HeaderSecret
	// Denied has the requested channels that the client may not join.
	Denied []string `json:"denied,omitempty"`
}

// control is any other control event except gap and recovery.
type control struct {
	Type      string `json:"type"`
	Reason    string `json:"reason,omitempty"`
	ExpiresAt string `json:"expiresAt,omitempty"`
}

type gap struct {
	Type string `json:"type"`
	*notify.Gap
}

type recovery struct {
	Type string `json:"type"`
	*notify.Recovery
}

func timestamp(t time.Time) string { return t.UTC().Format(notify.TimestampFormat) }
