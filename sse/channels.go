package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// maxChannelsBody is the most bytes that a change of channels may take.
const maxChannelsBody = 64 << 10

// change is the body of a change of channels.
type change struct{ join, leave []string }

// changed is the answer.
type changed struct {
	Joined []string `json:"joined"`
	Left   []string `json:"left"`
	Denied []string `json:"denied"`
}

// Channels returns the handler of POST /sse/{clientId}/channels, which changes the channels of a running stream:
//
//	{"join":["orders"],"leave":["news"]}  ->  {"joined":["orders"],"left":["news"],"denied":[]}
//
// It takes the credentials that a stream takes; they must be of the stream's user. A stream without a user is changed
// by whoever knows its client id. Channels are left before others are joined. What is joined is kept under the
// stream's sessionId, when it has one. The client id is the route's variable clientId, of gorilla/mux or net/http.
func (h *Handler) Channels() http.Handler { return http.HandlerFunc(h.changeChannels) }

func (h *Handler) changeChannels(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	identity, err := h.o.Auth.Authenticate(r.Context(), auth.FromRequest(r), auth.EventSource)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	member, owner, err := h.find(clientIDOf(r), identity)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	want, err := readChange(w, r)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	done := changed{Joined: []string{}, Left: []string{}, Denied: []string{}}
	done.Left = append(done.Left, h.o.Hub.LeaveChannels(member, want.leave)...)
	joined, denied := h.o.Hub.JoinChannels(member, want.join, owner.MayJoin, h.o.MaxRooms)
	done.Joined = append(done.Joined, joined...)
	done.Denied = append(done.Denied, denied...)
	writeJSON(w, http.StatusOK, done)
}

func clientIDOf(r *http.Request) string {
	if id := mux.Vars(r)["clientId"]; id != "" {
		return id
	}
	return r.PathValue("clientId")
}

// find returns the member of a running stream that identity may change, and whose rights count: those just shown,
// which may be newer than the stream's, but never more than its own for a stream of nobody.
func (h *Handler) find(clientID string, identity auth.Identity) (*notify.Member, auth.Identity, error) {
	s, member := h.stream(clientID)
	switch {
	case s == nil:
		return nil, identity, ErrNoStream
	case s.identity.Anonymous:
		return member, s.identity, nil
	case identity.RoomUser() != s.identity.RoomUser():
		return nil, identity, ErrNotYours
	}
	return member, identity, nil
}

// readChange reads the body strictly: one JSON object, each name once and known, nothing behind it.
func readChange(w http.ResponseWriter, r *http.Request) (change, error) {
	body, err := readBody(w, r, maxChannelsBody)
	if err != nil {
		return change{}, err
	}
	return parseChange(body)
}

// readBody reads a body that is declared as JSON.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) {
		return nil, invalid("body", "is not valid UTF-8")
	}
	return body, nil
}

func parseChange(body []byte) (c change, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return c, invalid("body", `expected a JSON object such as {"join":["orders"]}`)
	}
	seen := make(map[string]bool, 2)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return c, invalid("body", err.Error())
		}
		field, _ := token.(string) // keys of an object are strings
		to := map[string]*[]string{"join": &c.join, "leave": &c.leave}[field]
		switch {
		case to == nil:
			return c, invalid("body", fmt.Sprintf("unknown field %.40q, expected join or leave", field))
		case seen[field]:
			return c, invalid(field, "stands there twice")
		}
		seen[field] = true
		if err := d.Decode(to); err != nil {
			return c, invalid(field, "expected an array of channel names")
		}
	}
	if _, err := d.Token(); err != nil {
		return c, invalid("body", "the JSON object does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return c, invalid("body", "something follows the JSON object")
	}
	return c, nil
}

func invalid(field, reason string) error {
	return &notify.ValidationError{Field: field, Reason: reason}
}
