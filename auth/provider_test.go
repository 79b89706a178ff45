package auth

import (
	"context"
	"crypto"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"
)

// provider is an identity provider that counts the fetches of its key set.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	body    string
	status  int
	wait    chan struct{} // what an answer waits for; nil = nothing
	fetches atomic.Int64
}

func newProvider(t *testing.T, body string) *provider {
	t.Helper()
	p := &provider{body: body, status: 200}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		body, status, wait := p.body, p.status, p.wait
		p.mu.Unlock()
		if wait != nil {
			<-wait
		}
		if status == http.StatusFound {
			http.Redirect(w, r, "/elsewhere", status)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(p.Server.Close)
	return p
}

func (p *provider) serve(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, body
}

// set returns a key set as JSON; keys maps kids to public or secret keys.
func set(t testing.TB, keys map[string]any, alg jwkset.ALG, use jwkset.USE) string {
	t.Helper()
	store := jwkset.NewMemoryStorage()
	for kid, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{
			Metadata: jwkset.JWKMetadataOptions{KID: kid, ALG: alg, USE: use},
			Marshal:  jwkset.JWKMarshalOptions{Private: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.KeyWrite(context.Background(), jwk); err != nil {
			t.Fatal(err)
		}
	}
	text, err := store.JSONPrivate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newKeySet(t *testing.T, p *provider) (k *KeySet, failures func() []string) {
	t.Helper()
	var mu sync.Mutex
	var list []string
	k, err := NewKeySet(p.URL+"/keys", func(err error) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, err.Error())
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

func named(t testing.TB, s signer, kid string) Credentials {
	t.Helper()
	return Credentials{Token: signWith(t, s.method, s.key, map[string]any{"kid": kid}, good(nil))}
}

func publicOf(key any) crypto.PublicKey {
	if private, ok := key.(crypto.Signer); ok {
		return private.Public()
	}
	return key
}
