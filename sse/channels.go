package sse

import (
	"net/http"

	"github.com/gorilla/mux"

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
// The request needs the credentials of the stream's user, in the same forms as for a stream, or the
// secret of the stream in the header [HeaderSecret]; for a stream without a user it needs the
// secret. The stream leaves channels before it joins others. The server keeps joined channels under
// the stream's sessionId, if it has one. A stream with ?envelope=true then gets sync, also when the
// body names no channel. The client id is the route variable clientId of gorilla/mux or net/http.
func (h *Handler) Channels() http.Handler { return http.HandlerFunc(h.changeChannels) }

func (h *Handler) changeChannels(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	s, member, owner, err := h.find(r)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	want, err := h.readChange(w, r)
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

func (h *Handler) readChange(w http.ResponseWriter, r *http.Request) (change, error) {
	body, err := h.readBody(w, r, maxChannelsBody)
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
