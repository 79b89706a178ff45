package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	maxSingleBody = 1 << 20
	maxBatchBody  = 16 << 20

	// publishTimeout is the time for the store. It does not include reading and checking the body.
	// It is shorter than common client timeouts, so that the caller reads the 503 and tries again.
	publishTimeout = 2 * time.Second
)

// batchReply is one element of the response to a batch.
type batchReply struct {
	receipt notify.Receipt
	problem *edge.Problem
}

func (b batchReply) value() any {
	if b.problem != nil {
		return map[string]*edge.Problem{"error": b.problem}
	}
	return b.receipt
}

// once calls publish. It carries out requests with the same Idempotency-Key once. With a key it
// completes the request also when the client disconnects, because the client will send it again.
func (h *handler) once(c *call, publish func(context.Context) (any, error)) (any, error) {
	key, err := idempotencyKey(c.Request)
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	if key != "" {
		ctx = context.WithoutCancel(ctx)
	}
	carryOut := func() (any, error) { return publish(ctx) }
	if key == "" {
		return carryOut()
	}
	request := sha256.New()
	_, _ = request.Write([]byte(c.URL.EscapedPath() + "\n"))
	_, _ = request.Write(c.body)
	reply, replayed, err := c.key.answers.do(c.Context(), key, [sha256.Size]byte(request.Sum(nil)),
		carryOut)
	if err == nil && replayed {
		c.header.Set(headerReplayed, "true")
	}
	return reply, err
}

// publish serves POST /v1/notifications: one notification, or an array of them.
func (h *handler) publish(c *call) (any, error) {
	return h.once(c, func(ctx context.Context) (any, error) {
		switch c.json.Kind() {
		case strictjson.Object:
			item, err := decodePublication(c.json, "")
			if err != nil {
				return nil, err
			}
			return h.publishOne(ctx, c, item)
		case strictjson.None:
			return h.publishBatch(ctx, c)
		}
		return nil, invalidField("",
			"body: got "+c.json.Describe()+", expected an object or an array of up to "+
				itoa(notify.MaxBatch)+" objects")
	})
}

func (h *handler) publishOne(ctx context.Context, c *call, item notify.Publication) (any, error) {
	if err := c.key.permit("target", item.Target.Subjects()...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	receipt, err := h.hub.Publish(ctx, item.Notification, item.Target)
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

// publishBatch publishes the valid items with one append. The reply has a receipt or an error for
// each item, in the order of the request.
func (h *handler) publishBatch(ctx context.Context, c *call) (any, error) {
	// The request itself has spent one.
	if err := c.key.budget.spend(len(c.items) - 1); err != nil {
		return nil, err
	}
	replies := make([]batchReply, len(c.items))
	publications := make([]notify.Publication, 0, len(c.items))
	places := make([]int, 0, len(c.items)) // publications[i] is c.items[places[i]]
	for i, item := range c.items {
		p, err := decodeItem(item, batchPrefix(i))
		if err == nil {
			err = c.key.permit(batchPrefix(i)+"target", p.Target.Subjects()...)
		}
		if err != nil {
			replies[i].problem = edge.ProblemFor(c.Request, err)
			continue
		}
		publications = append(publications, p)
		places = append(places, i)
	}
	if len(publications) > 0 {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		results, err := h.hub.PublishBatch(ctx, publications)
		if err != nil {
			return nil, err
		}
		for i, result := range results {
			place := places[i]
			if result.Err != nil {
				replies[place].problem = edge.ProblemFor(c.Request,
					inBatch(result.Err, batchPrefix(place)))
				continue
			}
			replies[place].receipt = result.Receipt
		}
	}
	values := make([]any, len(replies))
	for i, reply := range replies {
		values[i] = reply.value()
	}
	return values, nil
}

// publishKind serves POST /v1/notifications/{kind}.
func (h *handler) publishKind(kind string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		return h.once(c, func(ctx context.Context) (any, error) {
			item, err := catalogue.Decode(kind, c.json)
			if err != nil {
				return nil, err
			}
			return h.publishOne(ctx, c, item)
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
	// Without a notification the next page starts here. An old id would be lost one day, and an id
	// of another epoch is lost already. The head is read first, so that the next page misses
	// nothing.
	cursor := h.hub.Head().String()
	messages, gap := h.hub.History(target.Rooms(), since, c.number("limit", defaultHistoryLimit))
	reply := []byte(`{"notifications":[`)
	for i, m := range messages {
		if i > 0 {
			reply = append(reply, ',')
		}
		reply = m.AppendJSON(reply)
		cursor = m.ID.String()
	}
	reply = append(reply, `],"gap":`...)
	reply = strconv.AppendBool(reply, gap)
	reply = append(reply, `,"cursor":"`...)
	return edge.RawJSON(append(append(reply, cursor...), `"}`...)), nil
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
