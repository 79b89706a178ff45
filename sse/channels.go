package sse

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// maxChannelsBody is the limit, in bytes, for the body of a change of channels.
const maxChannelsBody = 64 << 10

// change is the body of a change of channels.
type change struct{ join, leave []rooms.Name }

// changed is the reply.
type changed struct {
	Joined []string `json:"joined"`
	Left   []string `json:"left"`
	Denied []string `json:"denied"`
}

// Channels returns the handler of POST /sse/{clientId}/channels, which changes the channels of a
// running stream:
//
//	{"join":["orders"],"leave":["news"]}  ->  {"joined":["orders"],"left":["news"],"denied":[]}
//
// The request needs the credentials of the stream's user, in the same forms as for a stream. For a
// stream without a user the client id is enough. The stream leaves channels before it joins others.
// The server keeps joined channels under the stream's sessionId, if it has one. A stream with
// ?envelope=true then gets sync, also when the body names no channel. The client id is the route
// variable clientId of gorilla/mux or net/http.
func (h *Handler) Channels() http.Handler { return http.HandlerFunc(h.changeChannels) }

func (h *Handler) changeChannels(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	identity, err := h.o.Auth.Authenticate(r.Context(), auth.FromRequest(r), auth.EventSource)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	s, member, owner, err := h.find(clientIDOf(r), identity)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	want, err := readChange(w, r)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	done := changed{Joined: []string{}, Left: []string{}, Denied: []string{}}
	done.Left = append(done.Left, h.o.Hub.LeaveChannels(member, rooms.Names(want.leave))...)
	joined, denied := h.o.Hub.JoinChannels(member, rooms.Names(want.join), owner.MayJoin, h.o.MaxRooms)
	done.Joined = append(done.Joined, joined...)
	done.Denied = append(done.Denied, denied...)
	s.answer()
	writeJSON(w, http.StatusOK, done)
}

func clientIDOf(r *http.Request) string {
	if id := mux.Vars(r)["clientId"]; id != "" {
		return id
	}
	return r.PathValue("clientId")
}

// find returns the running stream of a client id if identity may control it, the member of the
// stream, and the identity whose rights apply: for a stream with a user the identity of the
// request, which may be newer, otherwise the identity of the stream.
func (h *Handler) find(
	clientID string, identity auth.Identity,
) (s *stream, m *notify.Member, owner auth.Identity, err error) {
	s, m = h.stream(clientID)
	switch {
	case s == nil:
		return nil, nil, identity, ErrNoStream
	case s.identity.Anonymous:
		return s, m, s.identity, nil
	case identity.RoomUser() != s.identity.RoomUser():
		return nil, nil, identity, ErrNotYours
	}
	return s, m, identity, nil
}

func readChange(w http.ResponseWriter, r *http.Request) (change, error) {
	body, err := readBody(w, r, maxChannelsBody)
	if err != nil {
		return change{}, err
	}
	return parseChange(body)
}

func parseChange(body []byte) (c change, err error) {
	const expected = "expected an array of channel names"
	return c, parseObject(body, `{"join":["orders"]}`,
		[]field{{"join", &c.join, expected}, {"leave", &c.leave, expected}})
}
