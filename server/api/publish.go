package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
)

// publishTimeout is the time for the store. It does not include reading and checking the body. It
// is shorter than common client timeouts, so that the caller reads the 503 and tries again.
const publishTimeout = 2 * time.Second

// publication is what a route publishes: one item of type T, or an array of them.
type publication[T any] struct {
	decode   func(item strictjson.Checked, prefix string) (T, error) // *edge.Problem
	subjects func(item T) (field string, subjects []string)          // what the key must cover
	volatile func(item T) bool                                       // it is not stored
	one      func(context.Context, T) (notify.Receipt, error)
	batch    func(context.Context, []T) ([]notify.Result, error)
}

// publishBody publishes the body of a request.
func publishBody[T any](h *handler, c *call, p publication[T]) (any, error) {
	return h.once(c, func(ctx context.Context, answer *claim) (any, error) {
		switch c.json.Kind() {
		case strictjson.Object:
			item, err := p.decode(c.json, "")
			if err != nil {
				return nil, err
			}
			return p.publishOne(ctx, c, answer, item)
		case strictjson.None:
			return p.publishBatch(ctx, c, answer)
		}
		return nil, invalidField("",
			"body: got "+c.json.Describe()+", expected an object or an array of up to "+
				itoa(notify.MaxBatch)+" objects")
	})
}

func (p publication[T]) permit(c *call, item T, prefix string) error {
	field, subjects := p.subjects(item)
	return c.key.permit(prefix+field, subjects...)
}

func (p publication[T]) publishOne(
	ctx context.Context, c *call, answer *claim, item T,
) (any, error) {
	if err := p.permit(c, item, ""); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if p.volatile(item) {
		if err := answer.hold(ctx, publishTimeout); err != nil {
			return nil, err
		}
	}
	ctx = answer.publish(ctx, func(of []notify.Result) any { return of[0].Receipt })
	receipt, err := p.one(ctx, item)
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

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

// publishBatch publishes the valid items with one append. The reply has a receipt or an error for
// each item, in the order of the request.
func (p publication[T]) publishBatch(ctx context.Context, c *call, answer *claim) (any, error) {
	// The request itself has spent one.
	if err := c.key.budget.spend(len(c.items) - 1); err != nil {
		return nil, err
	}
	replies := make([]batchReply, len(c.items))
	items := make([]T, 0, len(c.items))
	places := make([]int, 0, len(c.items)) // items[i] is c.items[places[i]]
	for i, element := range c.items {
		item, err := p.decodeElement(element, batchPrefix(i))
		if err == nil {
			err = p.permit(c, item, batchPrefix(i))
		}
		if err != nil {
			replies[i].problem = edge.ProblemFor(c.Request, err)
			continue
		}
		items = append(items, item)
		places = append(places, i)
	}
	reply := func(results []notify.Result) any {
		return batchValues(c.Request, replies, results, places)
	}
	if len(items) == 0 {
		return reply(nil), nil
	}
	ctx, cancel := context.WithTimeout(answer.publish(ctx, reply), publishTimeout)
	defer cancel()
	if !slices.ContainsFunc(items, func(item T) bool { return !p.volatile(item) }) {
		if err := answer.hold(ctx, publishTimeout); err != nil {
			return nil, err
		}
	}
	results, err := p.batch(ctx, items)
	if err != nil {
		return nil, err
	}
	return reply(results), nil
}

// batchValues returns the reply to a batch: replies, with the results at their places. It changes
// neither.
func batchValues(
	r *http.Request, replies []batchReply, results []notify.Result, places []int,
) []any {
	values := make([]any, len(replies))
	for i, reply := range replies {
		values[i] = reply.value()
	}
	for i, result := range results {
		reply := batchReply{receipt: result.Receipt}
		if result.Err != nil {
			reply.problem = edge.ProblemFor(r, inBatch(result.Err, batchPrefix(places[i])))
		}
		values[places[i]] = reply.value()
	}
	return values
}

// decodeElement decodes one item of a batch.
func (p publication[T]) decodeElement(element strictjson.Element, prefix string) (item T, err error) {
	if element.Err != nil {
		path := element.Err.In(strings.TrimSuffix(prefix, ".")).Path
		return item, invalidField(path, element.Err.Reason)
	}
	return p.decode(element.Value, prefix)
}

// inBatch puts prefix, the item of a batch, before the field of an error.
func inBatch(err error, prefix string) error {
	var invalid *notify.ValidationError
	var full *notify.RetainError
	switch {
	case errors.As(err, &invalid):
		return &notify.ValidationError{Field: prefix + invalid.Field, Reason: invalid.Reason}
	case errors.As(err, &full):
		return &notify.RetainError{Field: prefix + full.Field, Reason: full.Reason}
	}
	return err
}

// batchPrefix returns the path of an item of a batch: "[3].".
func batchPrefix(i int) string { return "[" + itoa(i) + "]." }
