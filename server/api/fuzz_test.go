package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// FuzzRequest: every path, query and header of a request with a valid key gets a JSON response that
// is no error of the server.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][6]string{
		{"GET", "/v1/notifications", "channel=c&since=0&limit=10", "", "", ""},
		{"GET", "/v1/notifications", "user=u&user=v&limit=-1", "", "", ""},
		{"GET", "/v1/notifications", "since=5f3a9c01-1&channel=%ff", "", "", ""},
		{"GET", "/v1/connections", "limit=1e9&cursor=" + cursor("x"), "", "", ""},
		{"GET", "/v1/users", "online=maybe&cursor=!!!", "", "", ""},
		{"PUT", "/v1/users/__proto__/channels/a%2Fb", "", "", "", ""},
		{"PUT", "/v1/connections/..%2f/channels/user:x", "", "", "", ""},
		{"DELETE", "/v1/users/%00/connections", "", "", "", ""},
		{"POST", "/v1/notifications", "", "key-1", "application/json; charset=utf-8",
			`{"target":{"all":true},"type":"n"}`},
		{"POST", "/v1/notifications", "x=1", "\xff", "text/plain", `[]`},
		{"POST", "/v1/notifications/payment", "", strings.Repeat("k", 65), "application/json",
			`{"paymentId":"p","status":"completed","data":{}}`},
		{"POST", "/v1/tickets", "", "", "application/json", `{"userId":"\ud800","ttl":"99h"}`},
		{"TRACE", "/v1//", "", "", "", ""}, {"GET", "/v1/channels/../stats", "", "", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5])
	}
	hub := servertest.HubWith(f, func(o *notify.Options) { o.HistoryMaxBytes = 1 << 20 })
	api := edge.WithInfo(nil, New(testOptions(hub, servertest.Key)))
	f.Fuzz(func(t *testing.T, method, path, query, idempotency, contentType, body string) {
		decoded, err := url.PathUnescape(path)
		if err != nil || !strings.HasPrefix(path, "/v1/") || method == "" ||
			strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return // net/http refuses it
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = decoded, path, query
		r.Header.Set("X-API-Key", servertest.Key)
		if idempotency != "" {
			r.Header.Set("Idempotency-Key", idempotency)
		}
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Fatalf("%s %s?%s: %d %s", method, path, query, w.Code, w.Body)
		}
		if text := w.Body.Bytes(); len(text) > 0 && method != "HEAD" &&
			strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(text) {
			t.Fatalf("%s %s?%s: %d %s", method, path, query, w.Code, text)
		}
	})
}
