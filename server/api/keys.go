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

const keyFailuresPerMinute = 10 // per address

// apiKey is one key: its digest, what it may be used for, and what it used.
type apiKey struct {
	digest    [sha256.Size]byte
	scope     auth.Scope
	spending  sync.Mutex    // held by spend
	publishes *rate.Limiter // of notifications; nil: no limit
	answers   *answers      // to its requests with an Idempotency-Key
}

// keyring holds the API keys as digests: neither a dump nor the time a compare
// takes says anything about a key. Several keys are valid at once, which is how
// they are rotated. Safe for concurrent use.
type keyring struct {
	keys     []*apiKey
	failures *limit.Rates
}

// newKeyring reads entries as auth.ParseAPIKey does; a key that stands there
// with several patterns may do what any of them says. An entry that is not well
// formed opens nothing. Each key may publish perSecond notifications and burst
// at once, 0 being no limit. Without any key, every request is refused.
func newKeyring(entries []string, perSecond, burst int) *keyring {
	k := &keyring{failures: limit.NewRates(rate.Every(time.Minute/keyFailuresPerMinute), keyFailuresPerMinute)}
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

// check answers the key of a request. An address with too many wrong keys is
// refused without a look at the key, so guessing goes no faster than ten a
// minute. An address that valid keys came from is different: behind a proxy
// anybody may share it, and ten wrong keys a minute must not lock a backend out.
func (k *keyring) check(r *http.Request) (*apiKey, error) {
	key := requestKey(r)
	if key == "" {
		return nil, edge.ErrKeyMissing
	}
	ip := edge.ClientIP(r)
	out, trusted, retry := k.failures.Exhausted(ip)
	if out && !trusted {
		return nil, tooManyFailures(retry)
	}
	if owner := k.find(key); owner != nil {
		k.failures.Trust(ip)
		return owner, nil
	}
	if ok, retry := k.failures.Allow(ip); !ok {
		return nil, tooManyFailures(retry)
	}
	return nil, edge.ErrKeyWrong
}

// find compares with every key, always, on digests of one length.
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

// permit refuses subjects ("user:u1", "channel:orders", "client:…", "all")
// outside the scope of the key.
func (k *apiKey) permit(field string, subjects ...string) error {
	for _, subject := range subjects {
		if !k.scope.Allows(subject) {
			return &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden, Field: field,
				Detail: "this API key may not be used for " + quoteShort(subject)}
		}
	}
	return nil
}

// permitEverything is for lists of all there is.
func (k *apiKey) permitEverything() error {
	if k.scope.Everything() {
		return nil
	}
	return &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
		Detail: "this API key is limited to some targets, and this would show others too"}
}

// spend takes n notifications from what the key may publish. More than a whole
// burst count as a burst, or a large batch could never be sent.
func (k *apiKey) spend(n int) error {
	if k.publishes == nil || n <= 0 {
		return nil
	}
	// The bucket must see times in order: one that goes back makes it give the time
	// between twice.
	k.spending.Lock()
	defer k.spending.Unlock()
	now := time.Now()
	taken := k.publishes.ReserveN(now, min(n, k.publishes.Burst()))
	wait := taken.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	taken.CancelAt(now)
	return &edge.Problem{Status: http.StatusTooManyRequests, Code: edge.CodeRateLimited, RetryAfter: wait,
		Detail: "more than " + strconv.FormatFloat(float64(k.publishes.Limit()), 'f', -1, 64) +
			" notifications a second with this API key; nothing was sent"}
}

// requestKey reads the key from the headers only: a URL ends in logs and in
// histories. Authorization with another scheme (a proxy's Basic) is no key.
func requestKey(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); strings.EqualFold(scheme, "Bearer") && key != "" {
		return key
	}
	return strings.TrimSpace(r.Header.Get("X-API-Key"))
}

func tooManyFailures(retry time.Duration) error {
	return &edge.Problem{Status: http.StatusTooManyRequests, Code: edge.CodeRateLimited, RetryAfter: retry,
		Detail: "too many wrong API keys from this address"}
}
