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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	keySetInterval = 10 * time.Minute // between two fetches; a withdrawn key is valid that long
	keySetRetry    = 10 * time.Second // between two fetches for unknown keys
	keySetTimeout  = 5 * time.Second
	maxKeySet      = 1 << 20 // bytes
)

// ErrKeySetUnavailable means that a token cannot be verified yet: the key set could not be fetched
// so far, or it does not have the key of the token and cannot be fetched at the moment. The client
// may try again.
var ErrKeySetUnavailable = &Error{
	Code: "unavailable", Message: "Authentication unavailable", Status: 503,
	RetryAfter: 5 * time.Second,
}

// KeySet is the public keys of an identity provider, fetched from its JWKS URL (RFC 7517) and kept
// up to date: it is fetched every 10 minutes, and when a token names an unknown key, but then at
// most once in 10 seconds. While the URL cannot be reached, the keys of the last fetch stay valid.
// KeySet is safe for concurrent use.
type KeySet struct {
	known  jwkset.Storage // the keys of the last fetch
	remote jwkset.Storage // fetches when it is asked for an unknown key
	key    jwt.Keyfunc
	ctx    context.Context
	close  func()
	limit  *rate.Limiter
	failed atomic.Int64 // fetches

	mu      sync.Mutex
	running *fetch         // nil: none
	started int            // fetches so far, except the ones by time
	fetched int            // the number of the last fetch that succeeded
	unknown map[string]int // kids without a key: started when a token first named them
}

// NewKeySet fetches the keys and keeps them up to date until Close. When the first fetch fails,
// which takes 5 s at most, NewKeySet still returns a KeySet, and tokens are refused with
// [ErrKeySetUnavailable] until a fetch succeeds: a server may start before its identity provider
// does. KeySet tries again by itself, as it does later while the set is empty. NewKeySet calls failed, which may be nil, after each failed
// fetch, from any goroutine. It returns the error of [CheckKeySetURL].
func NewKeySet(address string, failed func(error)) (*KeySet, error) {
	if err := CheckKeySetURL(address); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	ctx, cancel := context.WithCancel(context.Background())
	noRedirects := func(*http.Request, []*http.Request) error {
		return errors.New("redirects are not followed")
	}
	k := &KeySet{
		known: jwkset.NewMemoryStorage(), ctx: ctx,
		limit:   rate.NewLimiter(rate.Every(keySetRetry), 1),
		unknown: make(map[string]int),
		close:   func() { cancel(); transport.CloseIdleConnections() },
	}
	fetched, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
		Client: &http.Client{
			Transport: bounded{transport}, Timeout: keySetTimeout, CheckRedirect: noRedirects,
		},
		Ctx: ctx, HTTPTimeout: keySetTimeout, RefreshInterval: keySetInterval, Storage: k.known,
		NoErrorReturnFirstHTTPReq: true,
		RefreshErrorHandler: func(_ context.Context, err error) {
			k.failed.Add(1)
			if failed != nil && ctx.Err() == nil {
				failed(fmt.Errorf("keys of %s: %w", address, err))
			}
		},
	})
	if err == nil {
		k.remote, err = jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
			HTTPURLs: map[string]jwkset.Storage{address: fetched},
			// No limit here: it would let all clients but one fail when they bring a new key at the
			// same time. refresh limits the fetches.
			RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1),
		})
	}
	var keys keyfunc.Keyfunc
	if err == nil {
		// A key whose "use" is encryption must not verify signatures.
		uses := []jwkset.USE{"", jwkset.UseSig}
		keys, err = keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: k.known, UseWhitelist: uses})
	}
	if err != nil {
		k.close()
		return nil, fmt.Errorf("auth: key set: %w", err)
	}
	k.key = keys.Keyfunc
	go k.keepReady()
	return k, nil
}

// Ready reports whether the last fetch that succeeded has brought a key that can verify tokens.
// Without one every token is refused, so the server should get no clients. It is false before the
// first fetch, and while the provider serves an empty set.
func (k *KeySet) Ready() bool { return slices.ContainsFunc(k.keys(), verifies) }

// verifies reports whether a key can verify tokens of some algorithm.
func verifies(key jwkset.JWK) bool {
	declared := key.Marshal()
	_, err := algorithmOf(key.Key(), declared.ALG.String())
	return err == nil && (declared.USE == "" || declared.USE == jwkset.UseSig)
}

func (k *KeySet) keys() []jwkset.JWK {
	all, _ := k.known.KeyReadAll(k.ctx) // in memory, without errors
	return all
}

// Close ends the fetching. The keys of the last fetch still verify tokens.
func (k *KeySet) Close() { k.close() }

// CheckKeySetURL checks the URL of a key set. It must be https, because anyone on the network path
// could change the keys otherwise, or http on this machine. It may have no user and no fragment.
func CheckKeySetURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("expected a URL such as https://id.example.com/.well-known/jwks.json")
	case u.User != nil || u.Fragment != "":
		return errors.New("expected a URL without user, password and fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("got scheme %.20q, expected https; http is for localhost only", u.Scheme)
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// find returns the key with this id if it is for this algorithm. A token without kid is accepted
// when the set has one key.
func (k *KeySet) find(kid, algorithm string) (any, error) {
	key, err := k.lookup(kid, algorithm)
	if !errors.Is(err, jwkset.ErrKeyNotFound) {
		return key, err
	}
	failed := k.refresh(kid)
	key, err = k.lookup(kid, algorithm)
	switch {
	case !errors.Is(err, jwkset.ErrKeyNotFound):
		return key, err
	case failed != nil:
		return nil, failed
	case !k.Ready():
		return nil, ErrKeySetUnavailable
	}
	return nil, err
}

func (k *KeySet) lookup(kid, algorithm string) (crypto.PublicKey, error) {
	var entry jwkset.JWK
	var err error
	if kid == "" {
		all := k.keys()
		if len(all) > 1 {
			return nil, errors.New("no kid, but the key set has several keys")
		}
		if len(all) == 0 {
			return nil, jwkset.ErrKeyNotFound
		}
		entry = all[0]
	} else if entry, err = k.known.KeyRead(k.ctx, kid); err != nil {
		return nil, err
	}
	declared := entry.Marshal()
	key, err := k.key(&jwt.Token{Header: map[string]any{jwkset.HeaderKID: declared.KID,
		"alg": algorithm}})
	if err != nil {
		return nil, err
	}
	if want, err := algorithmOf(key, declared.ALG.String()); err != nil || want != algorithm {
		return nil, errors.New("the key is not for this algorithm")
	}
	return key, nil
}

// bounded limits the size of a response.
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
