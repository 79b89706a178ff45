package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// An identity provider that is away when the server starts ends no client for good: an EventSource
// gets a short stream, after which it reconnects, and /readyz answers 503. When the keys arrive,
// which needs no client, the server is ready and the same clients connect.
func TestProviderAwayAtStart(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	coordinate := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	keys := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":%q,"y":%q}]}`,
		coordinate(point[1:33]), coordinate(point[33:]))
	var back atomic.Bool
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !back.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, keys)
	}))
	defer provider.Close()
	token := jwt.NewWithClaims(jwt.SigningMethodES256,
		jwt.MapClaims{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}

	p := start(t, map[string]string{"JWT_JWKS_URL": provider.URL, "HOST": "127.0.0.1"})
	defer p.end()
	if status, text := p.get("/readyz"); status != 503 ||
		text != `{"reason":"keys","status":"unavailable"}`+"\n" {
		t.Errorf("/readyz: %d %s", status, text)
	}
	if status, text := p.get("/sse?token=" + signed); status != 200 ||
		!strings.HasPrefix(text, "retry: ") || !strings.Contains(text, "\nevent: overloaded\n") {
		t.Errorf("/sse: %d %s", status, text)
	}
	const refusal = `44{"message":"Authentication unavailable",` +
		`"data":{"code":"unavailable","retryAfter":`
	if got := p.connect(signed); !strings.HasPrefix(got, refusal) {
		t.Errorf("Socket.IO: %s", got)
	}
	if status, _ := p.get("/sse"); status != http.StatusUnauthorized {
		t.Errorf("a stream without a token: %d", status)
	}

	back.Store(true)
	deadline := time.Now().Add(patience)
	for status := 0; status != http.StatusOK; status, _ = p.get("/readyz") {
		if time.Now().After(deadline) {
			t.Fatalf("/readyz: %d", status)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := p.connect(signed); !strings.HasPrefix(got, "40{") {
		t.Errorf("Socket.IO: %s", got)
	}
	response, err := httpClient().Get(p.base + "/sse?token=" + signed)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	head := make([]byte, len("retry: 1000\nid: "))
	if _, err := io.ReadFull(response.Body, head); err != nil ||
		!strings.Contains(string(head), "id:") {
		t.Errorf("/sse: %q %v", head, err)
	}
}

// get returns the status and the text of a response that ends.
func (p *program) get(path string) (status int, text string) {
	p.t.Helper()
	return p.do("GET", path, "")
}

func (p *program) do(method, path, body string) (status int, text string) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(read)
}

// connect returns the answer to a CONNECT with a token, by polling.
func (p *program) connect(token string) string {
	p.t.Helper()
	path := "/socket.io/?EIO=4&transport=polling"
	_, open := p.get(path)
	_, sid, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	path += "&sid=" + sid
	if status, text := p.do("POST", path, `40{"token":"`+token+`"}`); status != http.StatusOK {
		p.t.Fatalf("CONNECT: %d %s", status, text)
	}
	_, answer := p.get(path)
	return answer
}
