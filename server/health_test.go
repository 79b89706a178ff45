package server

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var down error
	h := &health{log: func() error { return down }}
	expect := func(handler http.HandlerFunc, status int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		handler(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != status || w.Body.String() != body+"\n" ||
			w.Header().Get("Content-Type") != "application/json" ||
			w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s, want %d %s", w.Code, w.Header(), w.Body, status, body)
		}
	}
	expect(h.live, 200, `{"status":"ok"}`)
	expect(h.ready, 200, `{"status":"ready"}`)
	down = notify.ErrNotReady
	expect(h.ready, 503, `{"reason":"log","status":"unavailable"}`)
	expect(h.live, 200, `{"status":"ok"}`)
	h.draining.Store(true)
	expect(h.ready, 503, `{"status":"draining"}`)
	expect(h.live, 200, `{"status":"ok"}`)
	provider := httptest.NewServer(http.NotFoundHandler())
	defer provider.Close()
	keys, err := auth.NewKeySet(provider.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	expect((&health{keys: keys}).ready, 503, `{"reason":"keys","status":"unavailable"}`)
	expect((&health{}).ready, 200, `{"status":"ready"}`)
}
