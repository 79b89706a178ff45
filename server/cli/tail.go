package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
)

// tailUser is the user id when the flags name none.
const tailUser = "roomcast-tail"

// Tail connects as a client and prints the events that it receives.
type Tail struct {
	remote
	SSE      bool        `name:"sse" xor:"transport" help:"Use EventSource (the default)."`
	SocketIO bool        `name:"socketio" xor:"transport" help:"Use Socket.IO."`
	User     string      `name:"user" placeholder:"ID" help:"Connect as this user."`
	Channel  names       `name:"channel" placeholder:"NAME" help:"Join this channel; repeat it for several."`
	Token    auth.Secret `name:"token" env:"ROOMCAST_TOKEN" placeholder:"JWT" help:"Send this token. The default is a token minted with JWT_SECRET, if that is set."`
	Since    string      `name:"since" placeholder:"ID" help:"Start after this id; 0 = with everything that is kept."`
	Count    int         `name:"count" min:"0" max:"1000000000" placeholder:"N" help:"End after this number of notifications."`
	Verbose  bool        `name:"verbose" short:"v" help:"Print heartbeats too."`
	JSON     bool        `name:"json" help:"Print one JSON object per line: event, id, data."`
}

// event is one received event.
type event struct {
	Name string          `json:"event"`
	ID   string          `json:"id,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// transport follows one connection until it ends. It calls got for each event, in order; an error
// of got ends the connection. wait is the time until the next attempt that the server requests, 0
// for none.
type transport func(
	ctx context.Context, since string, got func(event) error,
) (wait time.Duration, err error)

var (
	errEnough = errors.New("enough")            // --count is reached
	errLost   = errors.New("connection closed") // the connection ended without an announcement
)

// ended is the error of a connection that the server ended on purpose.
type ended struct{ reason string }

func (e *ended) Error() string { return "the server ended the connection: " + e.reason }

// Run follows until the context ends, --count is reached or the server refuses. It reopens a lost
// connection after the last id.
func (t *Tail) Run(e Environment, c config.Config) error {
	server, err := t.target(c)
	if err != nil {
		return err
	}
	connect := t.stream(server, c)
	if t.SocketIO {
		connect = t.socket(server, c)
	}
	cursor, seen, pause := t.Since, 0, time.Duration(0)
	connected := false
	for {
		wait, err := connect(e.Context, cursor, func(ev event) error {
			if ev.Name == "connected" {
				connected, pause = true, 0
			}
			if ev.ID != "" {
				cursor = ev.ID
			}
			if err := t.print(e, ev); err != nil {
				return err
			}
			if !isControl(ev.Name) {
				seen++
			}
			if t.Count > 0 && seen >= t.Count {
				return errEnough
			}
			return nil
		})
		switch {
		case errors.Is(err, errEnough) || e.Context.Err() != nil:
			return nil
		case !connected || final(err):
			return err
		}
		if pause = min(max(2*pause, 500*time.Millisecond), 10*time.Second); wait > 0 {
			pause = wait
		}
		fmt.Fprintf(e.Stderr, "# lost: %s; reconnecting in %s\n", clean(err.Error()), pause)
		select {
		case <-e.Context.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// final reports whether another attempt would fail in the same way.
func final(err error) bool {
	var refused *refusal
	var away *noReply
	if errors.As(err, &refused) {
		return !refused.later()
	}
	return !errors.As(err, &away) && !errors.Is(err, errLost)
}

// identity returns the token to send, or the user id.
func (t *Tail) identity(c config.Config) (token, user string, err error) {
	user = t.User
	switch {
	case len(t.Token) > 0:
		return string(t.Token), user, nil
	case user == "":
		user = tailUser
	}
	if len(c.JWTSecret) > 0 {
		token, _, err = mint(c, claims{user: user, join: t.Channel}, time.Hour)
	}
	return token, user, err
}

// isControl reports whether a name is one of the server's own events.
func isControl(name string) bool {
	return strings.HasPrefix(name, "auth:") || slices.Contains([]string{
		"connected", "gap", "recovery", "sync", "heartbeat", "overloaded", "disconnected", "error",
	}, name)
}

// print prints one event. Control events are comments, so that programs can read the others.
func (t *Tail) print(e Environment, ev event) error {
	if !t.Verbose && (ev.Name == "heartbeat" || ev.Name == "sync") {
		return nil
	}
	if t.JSON {
		return printJSON(e.Stdout, ev)
	}
	if isControl(ev.Name) {
		_, err := fmt.Fprintf(e.Stdout, "# %s %s\n", clean(ev.Name), cell(string(ev.Data)))
		return err
	}
	var n struct {
		ID, Type  string
		Timestamp time.Time
		Data      json.RawMessage
	}
	id, at, data := ev.ID, "", ev.Data
	if json.Unmarshal(ev.Data, &n) == nil && n.Type == ev.Name && !n.Timestamp.IsZero() {
		id, at, data = n.ID, n.Timestamp.Local().Format("15:04:05")+"  ", n.Data
	}
	if id == "" {
		id = "volatile"
	}
	_, err := fmt.Fprintf(e.Stdout, "%s  %s%s  %s\n", clean(id), at, cell(ev.Name),
		cell(string(data)))
	return err
}
