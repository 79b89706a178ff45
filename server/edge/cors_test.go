package edge

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestCORS(t *testing.T) {
	reached := 0
	address := servertest.Serve(t, WithInfo(nil, WithCORS(servertest.AllowOrigin, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		_, _ = w.Write([]byte("ok"))
	}))))
	const foreign = "requests from this Origin are not allowed"
	for _, origin := range []string{
		"https://evil.example", "null", "https://app.example.evil", "https://app.example:444", "http://app.example",
		"https://APP.example", "https://user@app.example", "https://app.example/", "app.example", "https://app.example, https://evil.example",
		"https://sub.app.example", "https://app.example.", "file://", "https://app.examplé",
	} {
		for _, tc := range []struct{ method, path string }{
			{"GET", "/socket.io/?EIO=4&transport=polling"}, {"GET", "/sse"}, {"POST", "/v1/notifications"}, {"OPTIONS", "/v1/notifications"},
		} {
			headers := []string{"Origin: " + origin, "X-Request-ID: req-1"}
			if tc.method == "OPTIONS" {
				headers = append(headers, "Access-Control-Request-Method: POST")
			}
			res, body := servertest.Do(t, tc.method, "http://"+address+tc.path, "", headers...)
			if res.StatusCode != 403 || servertest.Sorted(t, body) != servertest.ProblemJSON(t, 403, "forbidden", foreign, "") || res.Header.Get("Vary") != "Origin" ||
				res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s from %s: %d %v %s", tc.method, tc.path, origin, res.StatusCode, res.Header, body)
			}
		}
		answer := servertest.Raw(t, address, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: "+origin+"\r\n\r\n"+
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: "+origin+"\r\n\r\n")
		if strings.Count(answer, "HTTP/1.1 403 ") != 2 {
			t.Errorf("websocket from %s: %.300s", origin, answer)
		}
	}
	for name, head := range map[string]string{"two": "Origin: https://app.example\r\nOrigin: https://evil.example\r\n", "empty": "Origin:\r\n"} {
		if answer := servertest.Raw(t, address, "GET /sse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+head+"\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 403 ") {
			t.Errorf("%s: %.100s", name, answer)
		}
	}
	if reached != 0 {
		t.Errorf("%d requests of foreign origins were handled", reached)
	}

	for _, origin := range []string{"https://app.example", "http://" + address} {
		res, body := servertest.Do(t, "POST", "http://"+address+"/v1/notifications", "", "Origin: "+origin)
		if res.StatusCode != 200 || body != "ok" {
			t.Errorf("%s: %d %s", origin, res.StatusCode, body)
		}
		servertest.ExpectHeaders(t, res, map[string]string{"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true",
			"Access-Control-Expose-Headers": "Retry-After, X-Request-Id", "Vary": "Origin"})
	}
	res, _ := servertest.Do(t, "GET", "http://"+address+"/sse", "")
	servertest.ExpectHeaders(t, res, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Vary": "Origin"})
	if res.StatusCode != 200 {
		t.Errorf("without Origin: %d", res.StatusCode)
	}
}

func TestPreflight(t *testing.T) {
	address := servertest.Serve(t, WithCORS(servertest.AllowOrigin, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("a preflight was handled as a request")
	})))
	const vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	for _, tc := range []struct {
		method, headers string
		allowed         bool
	}{
		{"GET", "", true},
		{"POST", "authorization,content-type,idempotency-key,x-api-key,x-request-id", true},
		{"GET", "last-event-id", true},
		{"PUT", "authorization", true},
		{"DELETE", "", true},
		{"PATCH", "", false},
		{"GET", "sentry-trace,baggage,traceparent,x-requested-with", true},
		{"POST", "x-app-version", true},
	} {
		headers := []string{"Origin: https://app.example", "Access-Control-Request-Method: " + tc.method}
		if tc.headers != "" {
			headers = append(headers, "Access-Control-Request-Headers: "+tc.headers)
		}
		res, body := servertest.Do(t, "OPTIONS", "http://"+address+"/v1/notifications", "", headers...)
		want := map[string]string{"Vary": vary, "Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Access-Control-Allow-Credentials": ""}
		if tc.allowed {
			want = map[string]string{"Vary": vary, "Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Methods": tc.method,
				"Access-Control-Allow-Headers": tc.headers, "Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "600"}
		}
		servertest.ExpectHeaders(t, res, want)
		if res.StatusCode != 204 || body != "" {
			t.Errorf("%s %s: %d %q", tc.method, tc.headers, res.StatusCode, body)
		}
	}
}

func TestNoOriginRule(t *testing.T) {
	refuse := func(r *http.Request) bool { return r.Header.Get("Cookie") == "" }
	address := servertest.Serve(t, WithCORS(servertest.AllowOrigin, refuse, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	if res, _ := servertest.Do(t, "GET", "http://"+address, ""); res.StatusCode != 200 {
		t.Errorf("without cookie: %d", res.StatusCode)
	}
	if res, _ := servertest.Do(t, "GET", "http://"+address, "", "Cookie: auth_token=x"); res.StatusCode != 403 {
		t.Errorf("with cookie: %d", res.StatusCode)
	}
	if res, _ := servertest.Do(t, "GET", "http://"+address, "", "Cookie: auth_token=x", "Origin: https://app.example"); res.StatusCode != 200 {
		t.Errorf("with cookie and origin: %d", res.StatusCode)
	}
}
