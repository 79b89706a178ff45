package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/edge"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed"
	maxIdempotencyKey = 64 // bytes

	// The server keeps an answer for answerTTL, the time in which backends retry.
	answerTTL = 10 * time.Minute
)

// AnswerLimits bound the answers of one API key, so that one backend cannot evict the answers of
// another. That is enough for 160 requests per second with an Idempotency-Key.
var AnswerLimits = kv.Limits{Entries: 100_000, Bytes: 48 << 20}

// answers keeps the answers to requests with an Idempotency-Key. A request that a backend repeats,
// even while the server still works on the first one, gets the same answer and is not carried out
// again. Any goroutine may call its methods. It has no goroutine of its own.
type answers struct {
	kept kv.Store // of requests that succeeded: the digest of the request, and the reply

	mu      sync.Mutex
	running map[string]*running // by Idempotency-Key
}

// running is a request in progress.
type running struct {
	request [sha256.Size]byte // its digest
	done    chan struct{}     // closed after the fields below are set
	reply   edge.RawJSON
	err     error
}

func newAnswers(kept kv.Store) *answers {
	return &answers{kept: kept, running: make(map[string]*running)}
}

// do carries out a request, or returns the answer to an earlier request with the same key; replayed
// reports which. request is the digest of the route and the body: do refuses the same key with
// another digest. It forgets a request that failed, because such a request sent nothing: requests
// that waited for it get its error, and do carries out the next one.
func (a *answers) do(
	ctx context.Context, key string, request [sha256.Size]byte, carryOut func(*claim) (any, error),
) (reply edge.RawJSON, replayed bool, err error) {
	of, first, err := a.join(key, request)
	if err != nil {
		return nil, false, err
	}
	if !first {
		select {
		case <-of.done:
			return of.reply, true, of.err
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	of.err = edge.ErrInternal // for the requests that wait, when carryOut panics
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.running, key)
		close(of.done)
	}()
	c := &claim{in: a.kept, key: key, request: request}
	of.reply, replayed, of.err = c.answer(context.WithoutCancel(ctx), carryOut)
	return of.reply, replayed, of.err
}

// join returns the request with this key that runs, or adds one; then first is true.
func (a *answers) join(key string, request [sha256.Size]byte) (of *running, first bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, ok := a.running[key]
	if !ok {
		of = &running{request: request, done: make(chan struct{})}
		a.running[key] = of
		return of, true, nil
	}
	if of.request != request {
		return nil, false, errOtherRequest
	}
	return of, false, nil
}

var errOtherRequest = &edge.Problem{Status: http.StatusConflict, Code: edge.CodeConflict,
	Field: headerIdempotency,
	Detail: headerIdempotency + ": the key was used for another request in the last " +
		minutes(answerTTL)}

// claim is the place of the answer to one request.
type claim struct {
	in       kv.Store
	key      string
	request  [sha256.Size]byte
	isShared bool // other nodes have the store, too
	isHeld   bool // see hold
}

// holdSlack is how much longer than its request a place is held at most.
const holdSlack = 5 * time.Second

// errHeld is for a request that another node carries out at this moment.
var errHeld = &edge.Problem{Status: http.StatusServiceUnavailable, Code: edge.CodeUnavailable,
	Detail: "another node carries out the same request, which has no answer yet; try again", RetryAfter: time.Second}

// hold takes the place for a request that stores nothing and takes a time at most, so that no other node
// carries it out meanwhile. The error is a *notify.ClaimedError if the place is taken. What a request
// stores has its answer, see publish.
func (c *claim) hold(ctx context.Context, most time.Duration) error {
	if c == nil || !c.isShared {
		return nil
	}
	old, won, err := c.in.Claim(ctx, c.key, c.stored(nil), most+holdSlack)
	switch {
	case won:
		c.isHeld = true
		return nil
	case err != nil:
		return unavailable(err)
	}
	return &notify.ClaimedError{Value: old}
}

// answer returns the answer that is kept, or carries out the request and keeps its answer.
func (c *claim) answer(ctx context.Context, carryOut func(*claim) (any, error)) (
	reply edge.RawJSON, replayed bool, err error,
) {
	kept, err := c.in.Get(ctx, c.key)
	if err != nil {
		return nil, false, unavailable(err)
	}
	if kept != nil {
		reply, err = c.replay(kept)
		return reply, err == nil, err
	}
	result, err := carryOut(c)
	var claimed *notify.ClaimedError
	if errors.As(err, &claimed) { // by another node, or by a request that timed out and was stored then
		reply, err = c.replay(claimed.Value)
		return reply, err == nil, err
	}
	if err == nil {
		reply, err = json.Marshal(result)
	}
	if err != nil {
		if c.isHeld {
			_, _ = c.in.Take(ctx, c.key) // else it expires
		}
		return nil, false, err
	}
	// After an error there is the answer of publish, or the request was volatile. It was carried out,
	// so the backend must not repeat it for the error.
	_ = c.in.Put(ctx, c.key, c.stored(reply), answerTTL)
	return reply, false, nil
}

// publish returns a context in which a publish keeps an answer in the step that stores the
// notifications: without counts, because they are not delivered at that time. A crash before the
// complete answer is kept leaves that one. The zero claim, nil, is that of a request without a key.
func (c *claim) publish(ctx context.Context, reply func([]notify.Result) any) context.Context {
	if c == nil {
		return ctx
	}
	return notify.WithClaim(ctx, notify.Claim{In: c.in, Key: c.key, TTL: answerTTL,
		Value: func(results []notify.Result) []byte {
			text, _ := json.Marshal(reply(results)) // it has no error for receipts and problems
			return c.stored(text)
		}})
}

func (c *claim) stored(reply []byte) []byte {
	return append(append(make([]byte, 0, len(c.request)+len(reply)), c.request[:]...), reply...)
}

// replay returns the reply of a kept answer.
func (c *claim) replay(kept []byte) (edge.RawJSON, error) {
	reply, ok := bytes.CutPrefix(kept, c.request[:])
	switch {
	case !ok:
		return nil, errOtherRequest
	case len(reply) == 0:
		return nil, errHeld
	}
	return reply, nil
}

// unavailable makes an error of the store one of the log, which backends know.
func unavailable(err error) error {
	if errors.Is(err, notify.ErrUnavailable) {
		return err
	}
	return errors.Join(notify.ErrUnavailable, err)
}

func minutes(d time.Duration) string { return itoa(int(d/time.Minute)) + " minutes" }

// idempotencyKey returns the Idempotency-Key of a request, or "" when it has none. A header with an
// empty value is an error, because the backend that sent it expects to be protected.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values(headerIdempotency)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !visibleASCII(key) {
		return "", invalidField(headerIdempotency,
			"got "+describeHeader(values)+", expected one header with 1 to "+
				itoa(maxIdempotencyKey)+" visible ASCII characters")
	}
	return key, nil
}

func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func describeHeader(values []string) string {
	switch {
	case len(values) > 1:
		return itoa(len(values)) + " headers"
	case len(values[0]) > maxIdempotencyKey:
		return itoa(len(values[0])) + " bytes"
	}
	return quoteShort(values[0])
}
