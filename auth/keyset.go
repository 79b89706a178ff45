package auth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	keySetInterval = 10 * time.Minute // between two fetches; how long a withdrawn key may still count
	keySetRetry    = 10 * time.Second // between two fetches that unknown keys cause
	keySetTimeout  = 5 * time.Second
	maxKeySet      = 1 << 20 // bytes
)

// ErrKeysAway: the key set could not be fetched yet, so no token can be judged. It is no fault of the client's.
var ErrKeysAway = &Error{Code: "unavailable", Message: "Authentication unavailable", Status: 503, RetryAfter: keySetRetry}

// KeySet is the public keys of an identity provider, kept up to date from its JWKS address (RFC 7517): every 10
// minutes, and when a token names a key that is not known, at most once in 10 seconds whatever tokens come. While the
// address is away the keys that were fetched last count. It is safe for concurrent use.
type KeySet struct {
	known  jwkset.Storage // what was fetched last
	remote jwkset.Storage // fetches when it does not know a key
	key    jwt.Keyfunc
	ctx    context.Context
	close  func()
	limit  *rate.Limiter

	mu       sync.Mutex
	fetching chan struct{} // closed when the fetch that is under way has ended; nil = none is
}

// NewKeySet fetches the keys and keeps them up to date until Close. When they cannot be fetched now, which takes 5 s at
// most, failed is told and tokens are refused with [ErrKeysAway] until they can: a server may start before its
// identity provider does. failed is told of each later failure too, from other goroutines. The error is that of
// [CheckKeySetURL].
func NewKeySet(address string, failed func(error)) (*KeySet, error) {
	if err := CheckKeySetURL(address); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	ctx, cancel := context.WithCancel(context.Background())
	k := &KeySet{
		known: jwkset.NewMemoryStorage(), ctx: ctx, limit: rate.NewLimiter(rate.Every(keySetRetry), 1),
		close: func() { cancel(); transport.CloseIdleConnections() },
	}
	fetched, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
		Client: &http.Client{
			Transport: bounded{transport}, Timeout: keySetTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") },
		},
		Ctx: ctx, HTTPTimeout: keySetTimeout, RefreshInterval: keySetInterval, Storage: k.known,
		NoErrorReturnFirstHTTPReq: true,
		RefreshErrorHandler: func(_ context.Context, err error) {
			if failed != nil && ctx.Err() == nil {
				failed(fmt.Errorf("keys of %s: %w", address, err))
			}
		},
	})
	if err == nil {
		k.remote, err = jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
			HTTPURLs: map[string]jwkset.Storage{address: fetched},
			// It may fetch whenever it is asked; refresh, below, holds it back, because this limiter would let all
			// but one of the clients that come with a new key fail.
			RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1),
		})
	}
	var keys keyfunc.Keyfunc
	if err == nil {
		// "use" of a key for encryption does not verify.
		keys, err = keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: k.known, UseWhitelist: []jwkset.USE{"", jwkset.UseSig}})
	}
	if err != nil {
		k.close()
		return nil, fmt.Errorf("auth: key set: %w", err)
	}
	k.key = keys.Keyfunc
	return k, nil
}

// Close stops the fetching. Tokens can still be verified with the keys fetched last.
func (k *KeySet) Close() { k.close() }

// CheckKeySetURL refuses an address that anyone on the way could change the keys of: it must be https, or http on this
// machine, without user and fragment.
func CheckKeySetURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("it is no address such as https://id.example.com/.well-known/jwks.json")
	case u.User != nil || u.Fragment != "":
		return errors.New("it has a user, a password or a fragment, expected an address without them")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("it starts with %.20q, expected https; http only for localhost", u.Scheme+":")
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// find returns the key of that id, if it is one for this algorithm. A token without kid is for the only key there is.
func (k *KeySet) find(kid, algorithm string) (any, error) {
	key, err := k.lookup(kid, algorithm)
	if errors.Is(err, jwkset.ErrKeyNotFound) {
		k.refresh(kid)
		key, err = k.lookup(kid, algorithm)
	}
	if errors.Is(err, jwkset.ErrKeyNotFound) {
		if all, _ := k.known.KeyReadAll(k.ctx); len(all) == 0 {
			return nil, ErrKeysAway
		}
	}
	return key, err
}

func (k *KeySet) lookup(kid, algorithm string) (crypto.PublicKey, error) {
	var entry jwkset.JWK
	var err error
	if kid == "" {
		all, _ := k.known.KeyReadAll(k.ctx) // memory has no errors
		if len(all) > 1 {
			return nil, errors.New("no kid, and several keys")
		}
		if len(all) == 0 {
			return nil, jwkset.ErrKeyNotFound
		}
		entry = all[0]
	} else if entry, err = k.known.KeyRead(k.ctx, kid); err != nil {
		return nil, err
	}
	declared := entry.Marshal()
	key, err := k.key(&jwt.Token{Header: map[string]any{jwkset.HeaderKID: declared.KID, "alg": algorithm}})
	if err != nil {
		return nil, err
	}
	if want, err := algorithmOf(key, declared.ALG.String()); err != nil || want != algorithm {
		return nil, errors.New("the key is not for this algorithm")
	}
	return key, nil
}

// refresh fetches the set once for all who wait for it. The fetch is no client's: it goes on when the one who asked for
// it has gone.
func (k *KeySet) refresh(kid string) {
	k.mu.Lock()
	underway := k.fetching
	if underway == nil {
		if !k.limit.Allow() {
			k.mu.Unlock()
			return
		}
		underway = make(chan struct{})
		k.fetching = underway
		k.mu.Unlock()
		_, _ = k.remote.KeyRead(k.ctx, kid) // it fetches, since kid is unknown; failures were told
		k.mu.Lock()
		k.fetching = nil
		close(underway)
		k.mu.Unlock()
		return
	}
	k.mu.Unlock()
	<-underway // a fetch ends within keySetTimeout
}

// bounded cuts answers that are longer than a key set is.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxKeySet), response.Body}
	}
	return response, err
}
