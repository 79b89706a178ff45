package hooks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

const (
	// batchesAtOnce is how many requests with batches run before events wait for batchWait, so that
	// the next request has several of them.
	batchesAtOnce  = 8
	batchWait      = 2 * time.Millisecond
	maxEventsBytes = 1 << 20 // of a request, unless one event has more
	maxEventsLine  = maxAnswer + 1024
)

// batches post the events of several connections in one request. The answer has a line for each, in
// any order, so that a slow event does not delay the others. The places bound the events.
type batches struct {
	hooks   *Hooks
	address string
	ended   chan struct{} // a request has ended

	mu      sync.Mutex
	waiting []*posted
	sending bool // a goroutine sends what waits
	running int  // requests
}

// posted is an event that waits for its answer.
type posted struct {
	id     string
	body   json.RawMessage
	ctx    context.Context
	answer chan answered // has room for one
}

type answered struct {
	text strictjson.Checked // an object, or the zero Checked for none
	err  error              // a *Failure
}

func newBatches(h *Hooks, address string) *batches {
	return &batches{hooks: h, address: address, ended: make(chan struct{}, 1)}
}

// post posts an event and waits for its answer until ctx ends. The error is a *Failure.
func (b *batches) post(ctx context.Context, kind string, data any) (strictjson.Checked, error) {
	id, body, err := b.hooks.compose(kind, data)
	if err != nil {
		return strictjson.Checked{}, err
	}
	p := &posted{id, body, ctx, make(chan answered, 1)}
	b.add(p)
	select {
	case a := <-p.answer:
		return a.text, a.err
	case <-ctx.Done():
		return strictjson.Checked{}, transportFailure(ctx, ctx.Err())
	}
}

func (b *batches) add(p *posted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, p)
	if !b.sending {
		b.sending = true
		go b.send()
	}
}

// send sends what waits, and ends when nothing does.
func (b *batches) send() {
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 {
			b.sending, b.waiting = false, nil
			b.mu.Unlock()
			return
		}
		hold := b.running >= batchesAtOnce && len(b.waiting) < b.hooks.o.Events.Batch
		b.mu.Unlock()
		if hold {
			select {
			case <-b.ended:
			case <-time.After(batchWait):
			}
		}
		if batch := b.take(); len(batch) > 0 {
			go b.exchange(batch)
		}
	}
}

// take removes the events of the next request, and forgets those for whose answer nobody waits.
func (b *batches) take() (batch []*posted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken, size := 0, 0
	for _, p := range b.waiting {
		size += len(p.body)
		if len(batch) == b.hooks.o.Events.Batch || len(batch) > 0 && size > maxEventsBytes {
			break
		}
		taken++
		if p.ctx.Err() == nil {
			batch = append(batch, p)
		}
	}
	b.waiting = b.waiting[taken:]
	if len(batch) > 0 {
		b.running++
	}
	return batch
}

// exchange posts a batch and hands out the answers. It ends at the latest with the last event that
// waits.
func (b *batches) exchange(batch []*posted) {
	ctx, cancel := context.WithTimeout(context.Background(), b.hooks.o.Events.Timeout)
	defer cancel()
	open := make(map[string]*posted, len(batch))
	events := make([]json.RawMessage, len(batch))
	for i, p := range batch {
		open[p.id], events[i] = p, p.body
	}
	err := b.read(ctx, events, func(id string, a answered) error {
		p := open[id]
		if p == nil {
			return failed("invalid", "a line of the answer has the id of no open event")
		}
		p.answer <- a
		if delete(open, id); len(open) == 0 {
			return errAllAnswered
		}
		return nil
	})
	if err == nil {
		err = failed("invalid", "the answer has no line for an event")
	}
	for _, p := range open {
		p.answer <- answered{err: err}
	}
	b.mu.Lock()
	b.running--
	b.mu.Unlock()
	select {
	case b.ended <- struct{}{}:
	default:
	}
}

var errAllAnswered = errors.New("all events have their answers")

// read posts events and calls each with the lines of the answer, until it returns an error.
func (b *batches) read(
	ctx context.Context, events []json.RawMessage, each func(id string, a answered) error,
) error {
	type list struct {
		Events []json.RawMessage `json:"events"`
	}
	id, body, err := b.hooks.compose("events", list{events})
	if err != nil {
		return err
	}
	response, err := b.hooks.sender.do(ctx, "events", b.address, id, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return failed("status", "the answer has the status %d", response.StatusCode)
	}
	if err := checkMedia(response, "application/x-ndjson"); err != nil {
		return err
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxEventsLine)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		id, a, err := parseLine(bytes.Clone(lines.Bytes()))
		if err == nil {
			err = each(id, a)
		}
		if err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return failed("invalid", "a line of the answer is larger than %d bytes", maxEventsLine)
	case err != nil:
		return transportFailure(ctx, err)
	}
	return nil
}

// parseLine reads a line of an answer: {"id":"…","answer":{…}}. An event without an answer is one
// that the handler does not answer.
func parseLine(text []byte) (id string, a answered, err error) {
	line, err := parseAnswer(text)
	if err != nil {
		return "", a, err
	}
	for m := range line.Members() {
		switch {
		case m.Name == "id" && m.Value.Kind() == strictjson.String:
			id, err = m.Value.Text()
		case m.Name != "answer":
			err = failed("invalid", "a line of the answer has the member %s, expected id, a text, "+
				"and answer", strictjson.Shorten(strconv.Quote(m.Name)))
		case m.Value.Kind() != strictjson.Null:
			a.text, a.err = parseAnswer(m.Value.Bytes())
		}
		if err != nil {
			return "", a, err
		}
	}
	return id, a, nil
}
