package edge

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"testing"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestAuditLine(t *testing.T) {
	t.Parallel()
	log, buf := servertest.NewLog()
	a := NewAudit(log)
	r := httptest.NewRequest("DELETE", "/v1/users/u1/connections?x=secret", nil)
	info := &Info{ID: "req-1", IP: netip.MustParseAddr("192.0.2.7")}
	r = r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info))
	a.Note(r, Action{Name: "disconnectUser", Actor: "api", Key: "ab12", Target: "user:u1", Count: 2})
	a.Note(r, Action{Name: "backup", Actor: "admin", Count: -1,
		Err: errors.New("disk of 10.0.0.7 is full")})
	a.Note(nil, Action{Name: "reload", Actor: "signal", Count: -1,
		Fields: []zap.Field{zap.Strings("changed", []string{"API_KEYS"})}})
	var none *Audit
	none.Note(r, Action{})
	lines := buf.Lines(t)
	for i, want := range []string{
		`{"action":"disconnectUser","actor":"api","api_key":"ab12","count":2,"ip":"192.0.2.7",` +
			`"level":"info","msg":"audit","request_id":"req-1","result":"ok","target":"user:u1"}`,
		`{"action":"backup","actor":"admin","ip":"192.0.2.7","level":"info","msg":"audit",` +
			`"request_id":"req-1","result":"internal"}`,
		`{"action":"reload","actor":"signal","changed":["API_KEYS"],"level":"info","msg":"audit",` +
			`"result":"ok"}`,
	} {
		if i >= len(lines) {
			t.Fatalf("%d lines", len(lines))
		}
		delete(lines[i], "ts")
		if got := servertest.Canonical(t, lines[i]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Refusals, which anybody can cause, have a rate. The next line says how many had none.
func TestAuditOfRefusalsIsBounded(t *testing.T) {
	t.Parallel()
	log, buf := servertest.NewLog()
	a := NewAudit(log)
	const n = 20_000
	for range n {
		a.Note(nil, Action{Name: "listUsers", Actor: "api", Count: -1, Err: ErrKeyWrong})
	}
	lines := buf.Lines(t)
	if len(lines) >= n/2 {
		t.Errorf("%d lines about %d refusals", len(lines), n)
	}
	written := float64(len(lines))
	for _, line := range lines {
		if more, ok := line["refused_before"].(float64); ok {
			written += more
		}
	}
	if written+float64(a.silent.Load()) != n {
		t.Errorf("the lines tell of %v refusals, and %d wait, want %d", written, a.silent.Load(), n)
	}
	a.Note(nil, Action{Name: "reload", Actor: "signal"}) // has no rate
	if got := buf.Lines(t); got[len(got)-1]["action"] != "reload" {
		t.Errorf("last line %v", got[len(got)-1])
	}
}
