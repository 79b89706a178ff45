package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const keyFailuresPerMinute = 10 // per address

// keyring holds the API keys as digests: neither a dump nor the time a compare
// takes says anything about a key. Several keys are valid at once, which is how
// they are rotated. Safe for concurrent use.
type keyring struct {
	digests  [][sha256.Size]byte
	failures *ipRates
}

// newKeyring ignores empty keys; without any other, every key is refused.
func newKeyring(keys []string) *keyring {
	k := &keyring{failures: newIPRates(rate.Every(time.Minute/keyFailuresPerMinute), keyFailuresPerMinute)}
	for _, key := range keys {
		if key != "" {
			k.digests = append(k.digests, sha256.Sum256([]byte(key)))
		}
	}
	return k
}

// require lets requests with a valid key through to next.
func (k *keyring) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := k.check(r); err != nil {
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check answers nil for a valid key. An address with too many wrong keys is
// refused without a look at the key, so guessing goes no faster than ten a
// minute. An address that valid keys came from is different: behind a proxy
// anybody may share it, and ten wrong keys a minute must not lock a backend out.
func (k *keyring) check(r *http.Request) error {
	key := requestKey(r)
	if key == "" {
		return errKeyMissing
	}
	ip := clientIP(r)
	out, trusted, retry := k.failures.exhausted(ip)
	if out && !trusted {
		return tooManyFailures(retry)
	}
	if k.valid(key) {
		k.failures.trust(ip)
		return nil
	}
	if ok, retry := k.failures.allow(ip); !ok {
		return tooManyFailures(retry)
	}
	return errKeyWrong
}

// valid compares with every key, always, on digests of one length.
func (k *keyring) valid(key string) bool {
	digest := sha256.Sum256([]byte(key))
	found := 0
	for i := range k.digests {
		found |= subtle.ConstantTimeCompare(digest[:], k.digests[i][:])
	}
	return found == 1
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
	return &Problem{Status: http.StatusTooManyRequests, Code: codeRateLimited, retryAfter: retry,
		Detail: "too many wrong API keys from this address"}
}
