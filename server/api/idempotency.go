package api

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/roomcast/roomcast/server/edge"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed"
	maxIdempotencyKey = 64 // bytes

	// An answer is kept for as long as a backend retries, per API key in at most
	// this much: about 170 requests a second with their own Idempotency-Key for
	// the whole time. One backend cannot push out what another one relies on.
	answerTTL        = 10 * time.Minute
	maxAnswers       = 100_000
	maxAnswersMemory = 48 << 20
	answerOverhead   = 350 // what an entry takes beside its reply, about
)

// answers remembers what was answered to requests with an Idempotency-Key, so
// that a request that is repeated, even while the first is being served, is
// answered without being carried out again. Safe for concurrent use; it runs
// nothing by itself.
type answers struct {
	now func() time.Time

	mu     sync.Mutex // guards what follows
	byID   map[[sha256.Size]byte]*storedAnswer
	kept   list.List // of *storedAnswer that succeeded, oldest first
	memory int
}

type storedAnswer struct {
	id      [sha256.Size]byte
	request [sha256.Size]byte // digest of what was asked
	done    chan struct{}     // closed when the rest is set
	reply   edge.RawJSON
	err     error
	expires time.Time
}

func newAnswers(now func() time.Time) *answers {
	return &answers{now: now, byID: make(map[[sha256.Size]byte]*storedAnswer)}
}

// do carries out the request, or answers as it was answered before; replayed
// tells which. A request that failed sent nothing, so it is not remembered:
// those that waited for it fail with it, the next one is carried out. request
// stands for the route and the body; the same key with another one is refused.
func (a *answers) do(ctx context.Context, key string, request [sha256.Size]byte, carryOut func() (any, error)) (reply edge.RawJSON, replayed bool, err error) {
	id := sha256.Sum256([]byte(key))
	mine, first, err := a.open(id, request)
	if err != nil {
		return nil, false, err
	}
	if !first {
		select {
		case <-mine.done:
			return mine.reply, true, mine.err
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	mine.err = edge.ErrInternal // for those that wait, when carryOut panics
	defer func() { a.close(mine) }()
	result, err := carryOut()
	if err == nil {
		reply, err = json.Marshal(result)
	}
	mine.reply, mine.err = reply, err
	return reply, false, err
}

// open finds the answer with that id, or makes it: then first is true and close
// must be called.
func (a *answers) open(id, request [sha256.Size]byte) (found *storedAnswer, first bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(a.now())
	found, ok := a.byID[id]
	if !ok {
		found = &storedAnswer{id: id, request: request, done: make(chan struct{})}
		a.byID[id] = found
		return found, true, nil
	}
	if found.request != request {
		return nil, false, &edge.Problem{Status: http.StatusConflict, Code: edge.CodeConflict, Field: headerIdempotency,
			Detail: headerIdempotency + ": it was used for another request in the last " + minutes(answerTTL)}
	}
	return found, false, nil
}

// close keeps a success and drops a failure.
func (a *answers) close(done *storedAnswer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	done.expires = now.Add(answerTTL)
	close(done.done)
	if done.err != nil {
		delete(a.byID, done.id)
		return
	}
	a.kept.PushBack(done)
	a.memory += done.size()
	a.forget(now)
}

// forget drops the oldest answers, those that are over and those that are too
// many. It is called with the lock held.
func (a *answers) forget(now time.Time) {
	for e := a.kept.Front(); e != nil; e = a.kept.Front() {
		oldest := e.Value.(*storedAnswer)
		if now.Before(oldest.expires) && a.kept.Len() <= maxAnswers && a.memory <= maxAnswersMemory {
			return
		}
		a.kept.Remove(e)
		a.memory -= oldest.size()
		delete(a.byID, oldest.id)
	}
}

func (a *storedAnswer) size() int { return len(a.reply) + answerOverhead }

func minutes(d time.Duration) string { return itoa(int(d/time.Minute)) + " minutes" }

// idempotencyKey reads the header of a request; "" is none. One that is there
// must be good: a backend that sends an empty one by mistake relies on it.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values(headerIdempotency)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !visibleASCII(key) {
		return "", invalidField(headerIdempotency, "got "+describeHeader(values)+", expected one of 1 to "+
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
		return itoa(len(values)) + " of them"
	case len(values[0]) > maxIdempotencyKey:
		return itoa(len(values[0])) + " bytes"
	}
	return quoteShort(values[0])
}
