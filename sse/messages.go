package sse

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// maxMessageBody is the limit, in bytes, for the body of a message: the message, its room and its
// metadata.
const maxMessageBody = notify.MaxData + 4<<10

// Messages returns the handler of POST /sse/{clientId}/messages, which sends a message from a
// running stream to a channel, as send-message does for a Socket.IO client:
//
//	{"room":"team-7","message":{"text":"hi"},"metadata":{…}}
//	->  {"id":"5f3a9c01-1042","delivered":3,…}
//
// The request needs the credentials of the stream's user, in the same forms as for a stream, or the
// secret of the stream, and the right to publish to the channel. The reply is a [notify.Receipt]. Options.RateInterval limits
// the messages of a stream. [Handler.Channels] describes the client id.
func (h *Handler) Messages() http.Handler { return http.HandlerFunc(h.sendMessage) }

func (h *Handler) sendMessage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	receipt, err := h.message(w, r)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, receipt)
}

func (h *Handler) message(w http.ResponseWriter, r *http.Request) (notify.Receipt, error) {
	s, _, owner, err := h.find(r)
	if err != nil {
		return notify.Receipt{}, err
	}
	if err := s.allow(); err != nil {
		return notify.Receipt{}, err
	}
	body, err := h.readBody(w, r, maxMessageBody)
	if err != nil {
		return notify.Receipt{}, err
	}
	m, err := parseMessage(body)
	if err != nil {
		return notify.Receipt{}, err
	}
	m.ClientID, m.UserID = s.clientID, s.identity.UserID
	receipt, err := h.o.Hub.Say(r.Context(), m, owner.MayPublish)
	var refused *notify.SayError
	if errors.As(err, &refused) {
		return receipt, &auth.Error{Code: refused.Code, Message: refused.Reason,
			Status: statuses[refused.Code]}
	}
	return receipt, err
}

// statuses maps the codes of a [notify.SayError] to HTTP statuses.
var statuses = map[string]int{
	"validation": http.StatusBadRequest, "forbidden": http.StatusForbidden,
	"payload_too_large": http.StatusRequestEntityTooLarge,
}

func parseMessage(body []byte) (m notify.ClientMessage, err error) {
	const expected = "expected a JSON value"
	var room rooms.Name
	err = parseObject(body, `{"room":"team-7","message":"hi"}`, []field{
		{"room", &room, "expected the name of a channel, a string"},
		{"message", &m.Message, expected},
		{"metadata", &m.Metadata, expected},
	})
	m.Room = string(room)
	return m, err
}

// allow counts a message of the stream, or refuses it. The first message creates the limiter: most
// streams send none.
func (s *stream) allow() error {
	interval := s.h.o.RateInterval
	if interval <= 0 {
		return nil
	}
	if s.limiter.Load() == nil {
		s.limiter.CompareAndSwap(nil, rate.NewLimiter(rate.Every(interval),
			max(1, s.h.o.RateBurst)))
	}
	if s.limiter.Load().Allow() {
		return nil
	}
	return &auth.Error{
		Code: "rate_limited", Message: "Rate limit exceeded", Status: http.StatusTooManyRequests,
		RetryAfter: max(interval, time.Second),
	}
}
