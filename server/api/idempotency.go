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

	// The server keeps an answer for answerTTL, the time in which backends retry. Each API key has
	// maxAnswers and maxAnswersMemory of its own, so that one backend cannot evict the answers of
	// another. That is enough for 160 requests per second with an Idempotency-Key.
	answerTTL        = 10 * time.Minute
	maxAnswers       = 100_000
	maxAnswersMemory = 48 << 20

	// answerOverhead is the memory of an entry without its reply: the storedAnswer (144 bytes), its
	// channel (112), the list element (48), and the slot of the map (48 to 130: the map grows by
	// doubling, and deleted entries leave gaps in it). TestAnswersHeap measures it.
	answerOverhead = 440
)

// answers keeps the answers to requests with an Idempotency-Key. A request that a backend repeats,
// even while the server still works on the first one, gets the same answer and is not carried out
// again. Any goroutine may call its methods. It has no goroutine of its own.
type answers struct {
	now                   func() time.Time
	maxEntries, maxMemory int // limits of kept and memory

	mu     sync.Mutex // guards the fields below
	byID   map[[sha256.Size]byte]*storedAnswer
	kept   list.List // *storedAnswer of requests that succeeded, oldest first
	memory int       // the sum of size over kept; requests in progress are not in it
}

type storedAnswer struct {
	id      [sha256.Size]byte // digest of the Idempotency-Key
	request [sha256.Size]byte // digest of the request
	done    chan struct{}     // closed after the fields below are set
	reply   edge.RawJSON
	err     error
	expires time.Time
}

func newAnswers(now func() time.Time) *answers {
	return &answers{
		now: now, maxEntries: maxAnswers, maxMemory: maxAnswersMemory,
		byID: make(map[[sha256.Size]byte]*storedAnswer),
	}
}

// do carries out a request, or returns the answer to an earlier request with the same key; replayed
// reports which. request is the digest of the route and the body: do refuses the same key with
// another digest. It forgets a request that failed, because such a request sent nothing: requests
// that waited for it get its error, and do carries out the next one.
func (a *answers) do(
	ctx context.Context, key string, request [sha256.Size]byte, carryOut func() (any, error),
) (reply edge.RawJSON, replayed bool, err error) {
	id := sha256.Sum256([]byte(key))
	answer, first, err := a.open(id, request)
	if err != nil {
		return nil, false, err
	}
	if !first {
		select {
		case <-answer.done:
			return answer.reply, true, answer.err
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	answer.err = edge.ErrInternal // for the requests that wait, when carryOut panics
	defer func() { a.close(answer) }()
	result, err := carryOut()
	if err == nil {
		reply, err = json.Marshal(result)
	}
	answer.reply, answer.err = reply, err
	return reply, false, err
}

// open returns the answer with this id. When there is none it adds one; then first is true, and the
// caller must call close.
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
		return nil, false, &edge.Problem{Status: http.StatusConflict, Code: edge.CodeConflict,
			Field: headerIdempotency,
			Detail: headerIdempotency + ": the key was used for another request in the last " +
				minutes(answerTTL)}
	}
	return found, false, nil
}

// close keeps an answer that succeeded and removes one that failed.
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

// forget removes the oldest answers while they have expired or exceed a limit. The caller holds the
// lock.
func (a *answers) forget(now time.Time) {
	for e := a.kept.Front(); e != nil; e = a.kept.Front() {
		oldest := e.Value.(*storedAnswer)
		if now.Before(oldest.expires) && a.kept.Len() <= a.maxEntries && a.memory <= a.maxMemory {
			return
		}
		a.kept.Remove(e)
		a.memory -= oldest.size()
		delete(a.byID, oldest.id)
	}
}

// size returns the memory of the entry. It counts the capacity of the reply, because the allocator
// rounds the size up: a reply of 33 KiB takes 40 KiB.
func (a *storedAnswer) size() int { return cap(a.reply) + answerOverhead }

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
