package server

import (
	"strings"
	"testing"
)

// Secrets in any place of a request are in no line, and no value breaks one.
func TestLogCanary(t *testing.T) {
	const canary = "CANARY-7f3a"
	log, buf := newLogBuffer()
	hub := newTestHub(t)
	address := serveHTTP(t, withRequestInfo(nil, withRequestLog(log, nil, withRecovery(log, withCORS(testOrigins, nil,
		newAPI(testAPI(hub, testKey, canary)))))))
	base := "http://" + address
	good := `{"target":{"user":"u"},"type":"x","data":"` + canary + `"}`
	n := 0
	send := func(method, path, body string, headers ...string) {
		do(t, method, base+path, body, append(headers, "Content-Type: application/json")...)
		n++
	}
	send("POST", "/v1/notifications?token="+canary+"&ticket="+canary, good, "Authorization: Bearer "+canary)
	send("POST", "/v1/notifications", good, "X-API-Key: "+canary, "Cookie: auth_token="+canary)
	send("POST", "/v1/notifications", good, "X-API-Key: "+canary+"-wrong")
	send("POST", "/v1/notifications%3Ftoken="+canary, good)
	send("POST", "/v1/notifications", good, "Origin: https://"+canary+".example")
	send("GET", "/sse?token="+canary, "", "User-Agent: "+canary, "X-Forwarded-For: "+canary, "Referer: https://x/?t="+canary)
	send("POST", "/v1/notifications", `{"`+canary+`":1}`, "X-API-Key: "+testKey, "X-Request-ID: "+canary+" "+canary)
	send("POST", "/v1/"+strings.Repeat("x", 1000), "")
	raw(t, address, "GET /%0d%0a%1b[31m%22}%00%ff\u2028 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	n++
	eventually(t, "all lines", func() bool { return strings.Count(buf.text(), "\n") >= n })
	if lines := buf.lines(t); len(lines) != n {
		t.Errorf("%d lines for %d requests", len(lines), n)
	}
	for _, line := range buf.lines(t) {
		if p := line["path"].(string); len(p) > 3*maxLogValue {
			t.Errorf("a path of %d bytes", len(p))
		}
	}
	if i := strings.Index(buf.text(), canary); i >= 0 {
		t.Errorf("a secret is in the log: %.300s", buf.text()[max(0, i-200):])
	}
}
