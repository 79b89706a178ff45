package api

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// The log has no secret of a request, wherever the request has it, and one line per request.
func TestLogHidesSecrets(t *testing.T) {
	t.Parallel()
	const canary = "CANARY-7f3a"
	log, buf := servertest.NewLog()
	hub := servertest.NewHub(t)
	handler := edge.WithCORS(servertest.AllowOrigin, nil,
		New(testOptions(hub, servertest.Key, canary)))
	address := servertest.Serve(t,
		edge.WithInfo(nil, edge.WithLog(log, nil, edge.WithRecovery(log, handler))))
	base := "http://" + address
	good := `{"target":{"user":"u"},"type":"x","data":"` + canary + `"}`
	n := 0
	send := func(method, path, body string, headers ...string) {
		servertest.Do(t, method, base+path, body,
			append(headers, "Content-Type: application/json")...)
		n++
	}
	send("POST", "/v1/notifications?token="+canary+"&ticket="+canary, good,
		"Authorization: Bearer "+canary)
	send("POST", "/v1/notifications", good, "X-API-Key: "+canary, "Cookie: auth_token="+canary)
	send("POST", "/v1/notifications", good, "X-API-Key: "+canary+"-wrong")
	send("POST", "/v1/notifications%3Ftoken="+canary, good)
	send("POST", "/v1/notifications", good, "Origin: https://"+canary+".example")
	send("GET", "/sse?token="+canary, "", "User-Agent: "+canary, "X-Forwarded-For: "+canary,
		"Referer: https://x/?t="+canary)
	send("POST", "/v1/notifications", `{"`+canary+`":1}`, "X-API-Key: "+servertest.Key,
		"X-Request-ID: "+canary+" "+canary)
	send("POST", "/v1/"+strings.Repeat("x", 1000), "")
	servertest.Raw(t, address, "GET /%0d%0a%1b[31m%22}%00%ff\u2028 HTTP/1.1\r\nHost: x\r\n"+
		"Connection: close\r\n\r\n")
	n++
	servertest.Eventually(t, "the log has all lines", func() bool {
		return strings.Count(buf.Text(), "\n") >= n
	})
	if lines := buf.Lines(t); len(lines) != n {
		t.Errorf("%d lines for %d requests", len(lines), n)
	}
	for _, line := range buf.Lines(t) {
		if p := line["path"].(string); len(p) > 3*edge.MaxLogValue {
			t.Errorf("a path of %d bytes", len(p))
		}
	}
	if i := strings.Index(buf.Text(), canary); i >= 0 {
		t.Errorf("the log has a secret: %.300s", buf.Text()[max(0, i-200):])
	}
}
