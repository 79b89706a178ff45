package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	maxSingleBody = 1 << 20
	maxBatchBody  = 16 << 20
)

// once calls publish. It carries out requests with the same Idempotency-Key once. With a key it
// completes the request also when the client disconnects, because the client will send it again.
func (h *handler) once(c *call, publish func(context.Context, *claim) (any, error)) (any, error) {
	key, err := idempotencyKey(c.Request)
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	if key != "" {
		ctx = context.WithoutCancel(ctx)
	}
	if key == "" {
		return publish(ctx, nil)
	}
	request := sha256.New()
	_, _ = request.Write([]byte(c.URL.EscapedPath() + "?" + c.URL.RawQuery + "\n"))
	_, _ = request.Write(c.body)
	reply, replayed, err := c.key.answers.do(c.Context(), key, [sha256.Size]byte(request.Sum(nil)),
		func(answer *claim) (any, error) {
			answer.isShared = h.o.Bus != nil
			return publish(ctx, answer)
		})
	if err == nil && replayed {
		c.header.Set(headerReplayed, "true")
	}
	return reply, err
}

// notifications returns how POST /v1/notifications publishes.
func (h *handler) notifications() publication[notify.Publication] {
	return publication[notify.Publication]{
		decode: decodePublication,
		subjects: func(p notify.Publication) (string, []string) {
			return "target", p.Target.Subjects()
		},
		volatile: func(p notify.Publication) bool { return p.Notification.Volatile },
		one: func(ctx context.Context, p notify.Publication) (notify.Receipt, error) {
			return h.hub.Publish(ctx, p.Notification, p.Target)
		},
		batch: h.hub.PublishBatch,
	}
}

// publish serves POST /v1/notifications: one notification, or an array of them.
func (h *handler) publish(c *call) (any, error) { return publishBody(h, c, h.notifications()) }

// publishKind serves POST /v1/notifications/{kind}.
func (h *handler) publishKind(kind string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		return h.once(c, func(ctx context.Context, answer *claim) (any, error) {
			item, err := catalogue.Decode(kind, c.json)
			if err != nil {
				return nil, err
			}
			return h.notifications().publishOne(ctx, c, answer, item)
		})
	}
}

const defaultHistoryLimit = 100

// history serves GET /v1/notifications.
func (h *handler) history(c *call) (any, error) {
	target, err := oneTarget(c)
	if err != nil {
		return nil, err
	}
	if err := c.key.permit("", target.Subjects()...); err != nil {
		return nil, err
	}
	var since notify.Cursor
	if text := c.value("since"); text != "" {
		if since = notify.ParseCursor(text); since.Invalid {
			return nil, invalidField("since", "got "+quoteShort(text)+
				", expected the id of a notification, or 0 for all kept notifications")
		}
	}
	page, err := h.hub.History(c.Context(), target.Rooms(), since,
		c.number("limit", defaultHistoryLimit))
	if err != nil {
		return nil, err
	}
	end := strconv.AppendBool([]byte(`],"gap":`), page.Gap)
	end = append(page.Next.AppendTo(append(end, `,"cursor":"`...)), `"}`...)
	return listOfMessages(`{"notifications":[`, page.Messages, end), nil
}

// pieceSize is how many bytes of a reply are written at once, or those of one larger message.
const pieceSize = 16 << 10

// listOfMessages returns a reply with messages between its start and its end.
func listOfMessages(start string, messages []*notify.Message, end []byte) edge.JSONPieces {
	return func(yield func([]byte) bool) {
		piece := append(make([]byte, 0, pieceSize), start...)
		for i, m := range messages {
			if i > 0 {
				piece = append(piece, ',')
			}
			if piece = m.AppendJSON(piece); len(piece) < pieceSize {
				continue
			}
			if !yield(piece) {
				return
			}
			piece = piece[:0]
		}
		yield(append(piece, end...))
	}
}

// oneTarget returns the user or the channel of the query. A request must have exactly one of them.
func oneTarget(c *call) (notify.Target, error) {
	user, channel := c.value("user"), c.value("channel")
	switch {
	case (user == "") == (channel == ""):
		return notify.Target{}, &edge.Problem{Status: http.StatusBadRequest,
			Code:   edge.CodeValidation,
			Detail: "query: expected exactly one of user, channel"}
	case user != "":
		return notify.ToUser(user), nil
	}
	return notify.ToChannel(channel), nil
}
