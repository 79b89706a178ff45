package server

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/notify"
)

const (
	maxSingleBody = 1 << 20
	maxBatchBody  = 16 << 20

	// publishTimeout is how long the store may take. The caller is told to try
	// again, so it must not have given up before.
	publishTimeout = 2 * time.Second
)

// notificationsHandler serves POST /v1/notifications.
type notificationsHandler struct {
	hub   publisher
	large chan *bytes.Buffer // a buffer for each large body that is read at one time
}

func newNotificationsHandler(hub publisher) *notificationsHandler {
	return &notificationsHandler{hub: hub, large: newLargeBodies()}
}

// batchReply is one element of the answer to a batch.
type batchReply struct {
	receipt notify.Receipt
	problem *Problem
}

func (b batchReply) value() any {
	if b.problem != nil {
		return map[string]*Problem{"error": b.problem}
	}
	return b.receipt
}

func (h *notificationsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := checkMediaType(r); err != nil {
		WriteProblem(w, r, err)
		return
	}
	body, release, err := h.readBody(w, r)
	defer release()
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), publishTimeout)
	defer cancel()

	reply, err := h.publish(ctx, r, body)
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

// publish sends what the body holds: one notification, or an array of them.
func (h *notificationsHandler) publish(ctx context.Context, r *http.Request, body []byte) (any, error) {
	if err := checkJSONText(body); err != nil {
		return nil, invalidField("", "body: "+err.Error())
	}
	switch first := body[skipSpace(body, 0)]; first {
	case '{':
		item, err := decodePublication(body, "")
		if err != nil {
			return nil, err
		}
		receipt, err := h.hub.Publish(ctx, item.Notification, item.Target)
		if err != nil {
			return nil, err
		}
		return receipt, nil
	case '[':
		return h.publishBatch(ctx, r, body)
	}
	return nil, invalidField("", "body: got "+describe(body)+", expected an object or an array of up to "+
		itoa(notify.MaxBatch)+" objects")
}

// publishBatch sends the items that are right in one append and answers for
// each in the order they came.
func (h *notificationsHandler) publishBatch(ctx context.Context, r *http.Request, body []byte) (any, error) {
	items, more := splitArray(body, notify.MaxBatch)
	if more {
		return nil, invalidField("", "body: got an array of more than "+itoa(notify.MaxBatch)+
			" notifications, expected at most "+itoa(notify.MaxBatch)+"; nothing was sent")
	}
	replies := make([]batchReply, len(items))
	publications := make([]notify.Publication, 0, len(items))
	places := make([]int, 0, len(items)) // publications[i] is items[places[i]]
	for i, item := range items {
		p, err := decodePublication(item, batchPrefix(i))
		if err != nil {
			replies[i].problem = problemOf(r, err)
			continue
		}
		publications = append(publications, p)
		places = append(places, i)
	}
	if len(publications) > 0 {
		results, err := h.hub.PublishBatch(ctx, publications)
		if err != nil {
			return nil, err
		}
		for i, result := range results {
			place := places[i]
			if result.Err != nil {
				replies[place].problem = problemOf(r, inBatch(result.Err, batchPrefix(place)))
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
