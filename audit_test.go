package main

import (
	"regexp"
	"strings"
	"testing"
)

// Requests that change something and reloads are in the log, also when only errors are.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	for _, audit := range []string{"on", "off"} {
		r := newReloadable(t, `{"log-level":"info","audit-log":"`+audit+`"}`)
		write(t, r.file, `{"log-level":"error","audit-log":"`+audit+`"}`)
		r.reload("settings reloaded")
		if got := r.status("DELETE", "/v1/users/u1/connections", "X-API-Key", firstKey); got != 200 {
			t.Errorf("status %d", got)
		}
		if audit == "on" { // the request is answered after its line
			r.waitFor(regexp.MustCompile(
				`"action":"reload","actor":"signal","result":"ok","changed":\["LOG_LEVEL"\]`))
			r.waitFor(regexp.MustCompile(`"msg":"audit","action":"disconnectUser","actor":"api",` +
				`"api_key":"[0-9a-f]{4}","target":"user:u1","result":"ok","count":0,"ip":"127\.0\.0\.1"`))
		}
		if r.end(); audit == "off" && strings.Contains(r.out.String(), `"audit"`) {
			t.Errorf("AUDIT_LOG=off: %s", r.out)
		}
	}
}
