package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
)

// apiKey is one API key with its limits. It is immutable.
type apiKey struct {
	digest  [sha256.Size]byte
	scope   auth.Scope
	budget  *budget
	answers *answers // to its requests with an Idempotency-Key
}

// name returns the first four hex digits of the SHA-256 of the key. Logs use it to tell keys apart;
// it does not help to guess one.
func (k *apiKey) name() string { return hex.EncodeToString(k.digest[:2]) }

// Keyring holds the digests of the API keys, so that neither a memory dump nor the time of a
// comparison reveals a key. Several keys are valid at once, which allows an operator to rotate
// them. Any goroutine may call its methods.
type Keyring struct {
	keys     atomic.Pointer[[]*apiKey]
	failures *limit.Rates // wrong keys by address
	answers  Answers
}

// Answers returns the store for the answers to requests with an Idempotency-Key and one API key. The
// name is a digest of that key, in hexadecimal. The store has AnswerLimits.
type Answers func(name string) kv.Store

// inMemory are the Answers that end with the process.
func inMemory(string) kv.Store { return kv.NewMemory(AnswerLimits, nil) }

// bucketName is how many bytes of the digest of a key name its answers: enough to tell keys apart.
const bucketName = 16

// NewKeyring returns a Keyring with these keys, see Set. With answers nil the answers of a key are in
// memory.
func NewKeyring(entries []string, perSecond, burst int, answers Answers) *Keyring {
	k := &Keyring{failures: limit.KeyFailures(), answers: answers}
	if answers == nil {
		k.answers = inMemory
	}
	k.Set(entries, perSecond, burst)
	return k
}

// Set replaces the keys. It reads entries as auth.ParseAPIKey does, merges the patterns of entries
// with the same key, and skips entries that are malformed. Each key may publish perSecond
// notifications per second and burst at once; with perSecond 0 there is no limit. A key that was in
// the Keyring keeps what it has spent, and its answers. Without keys every request is refused.
func (k *Keyring) Set(entries []string, perSecond, burst int) {
	var keys []*apiKey
	for _, entry := range entries {
		secret, pattern, err := auth.ParseAPIKey(entry)
		if err != nil {
			continue
		}
		owner := find(keys, string(secret))
		if owner == nil {
			owner = &apiKey{digest: sha256.Sum256(secret)}
			if former := k.find(string(secret)); former != nil {
				owner.budget, owner.answers = former.budget, former.answers
			} else {
				name := hex.EncodeToString(owner.digest[:bucketName])
				owner.budget, owner.answers = new(budget), newAnswers(k.answers(name))
			}
			owner.budget.set(perSecond, burst)
			keys = append(keys, owner)
		}
		owner.scope = append(owner.scope, pattern)
	}
	k.keys.Store(&keys)
}

// check returns the key of a request. A wrong key counts for its address, and after too many of
// them each further one is refused with 429. A valid key is accepted from every address: the
// backends behind one address must not lock each other out.
func (k *Keyring) check(r *http.Request) (*apiKey, error) {
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

func (k *Keyring) find(key string) *apiKey {
	if keys := k.keys.Load(); keys != nil {
		return find(*keys, key)
	}
	return nil
}

// find returns the key, or nil. It compares the digest with those of all keys, so that its time
// does not depend on the result.
func find(keys []*apiKey, key string) *apiKey {
	digest := sha256.Sum256([]byte(key))
	found := -1
	for i := range keys {
		same := subtle.ConstantTimeCompare(digest[:], keys[i].digest[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return nil
	}
	return keys[found]
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

// requestKey reads the key from the headers only, because logs and browser histories keep URLs. It
// ignores Authorization with another scheme, such as the Basic credentials of a proxy.
func requestKey(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); strings.EqualFold(scheme, "Bearer") && key != "" {
		return key
	}
	return strings.TrimSpace(r.Header.Get("X-API-Key"))
}
