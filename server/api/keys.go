package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
)

// apiKey is one API key with its limits.
type apiKey struct {
	digest    [sha256.Size]byte
	scope     auth.Scope
	spending  sync.Mutex    // spend holds it while it reads the clock and the bucket
	publishes *rate.Limiter // in notifications; nil: no limit
	answers   *answers      // to its requests with an Idempotency-Key
}

// keyring holds the digests of the API keys, so that neither a memory dump nor the time of a
// comparison reveals a key. Several keys are valid at once, which allows an operator to rotate
// them. Any goroutine may call its methods.
type keyring struct {
	keys     []*apiKey
	failures *limit.Rates // wrong keys by address
}

// newKeyring reads entries as auth.ParseAPIKey does. It merges the patterns of entries with the
// same key, and skips entries that are malformed. Each key may publish perSecond notifications per
// second and burst at once; with perSecond 0 there is no limit. A keyring without keys refuses
// every request.
func newKeyring(entries []string, perSecond, burst int) *keyring {
	k := &keyring{failures: limit.KeyFailures()}
	for _, entry := range entries {
		secret, pattern, err := auth.ParseAPIKey(entry)
		if err != nil {
			continue
		}
		owner := k.find(string(secret))
		if owner == nil {
			owner = &apiKey{digest: sha256.Sum256(secret), answers: newAnswers(time.Now)}
			if perSecond > 0 {
				owner.publishes = rate.NewLimiter(rate.Limit(perSecond), max(burst, 1))
			}
			k.keys = append(k.keys, owner)
		}
		owner.scope = append(owner.scope, pattern)
	}
	return k
}

// check returns the key of a request. A wrong key counts for its address, and after too many of them
// each further one is refused with 429. A valid key is accepted from every address: the backends
// behind one address must not lock each other out.
func (k *keyring) check(r *http.Request) (*apiKey, error) {
	key := requestKey(r)
	if key == "" {
		return nil, edge.ErrKeyMissing
	}
	if owner := k.find(key); owner != nil {
		return owner, nil
	}
	if ok, retry := k.failures.Allow(edge.ClientIP(r)); !ok {
		return nil, edge.TooManyKeys(retry)
	}
	return nil, edge.ErrKeyWrong
}

// find returns the key, or nil. It compares the digest with those of all keys, so that its time
// does not depend on the result.
func (k *keyring) find(key string) *apiKey {
	digest := sha256.Sum256([]byte(key))
	found := -1
	for i := range k.keys {
		same := subtle.ConstantTimeCompare(digest[:], k.keys[i].digest[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return nil
	}
	return k.keys[found]
}

// permit returns an error when a subject ("user:u1", "channel:orders", "client:…", "all") is
// outside the scope of the key.
func (k *apiKey) permit(field string, subjects ...string) error {
	for _, subject := range subjects {
		if !k.scope.Allows(subject) {
			return &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
				Field:  field,
				Detail: "this API key may not be used for " + quoteShort(subject)}
		}
	}
	return nil
}

// permitEverything returns an error unless the scope of the key is "*". Routes that show data of
// all users call it.
func (k *apiKey) permitEverything() error {
	if k.scope.Everything() {
		return nil
	}
	return &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
		Detail: "this API key is limited to some targets, and the response would show others"}
}

// spend takes n notifications from the rate of the key. It takes at most the burst, because a key
// could never send a batch that is larger.
func (k *apiKey) spend(n int) error {
	if k.publishes == nil || n <= 0 {
		return nil
	}
	// The bucket must get times in order: after a time that goes back it would refill the same
	// interval twice.
	k.spending.Lock()
	defer k.spending.Unlock()
	now := time.Now()
	taken := k.publishes.ReserveN(now, min(n, k.publishes.Burst()))
	wait := taken.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	taken.CancelAt(now)
	return &edge.Problem{Status: http.StatusTooManyRequests, Code: edge.CodeRateLimited,
		RetryAfter: wait,
		Detail: "more than " + strconv.FormatFloat(float64(k.publishes.Limit()), 'f', -1, 64) +
			" notifications per second with this API key; nothing was sent"}
}

// requestKey reads the key from the headers only, because logs and browser histories keep URLs. It
// ignores Authorization with another scheme, such as the Basic credentials of a proxy.
func requestKey(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); strings.EqualFold(scheme, "Bearer") && key != "" {
		return key
	}
	return strings.TrimSpace(r.Header.Get("X-API-Key"))
}
