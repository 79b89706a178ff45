package server

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// What operators do at the second listener is in the audit; reading metrics is not.
func TestAuditOfAdminListener(t *testing.T) {
	t.Parallel()
	log, buf := servertest.NewLog()
	var full atomic.Bool
	backup := func() (string, notify.ID, error) {
		if full.Load() {
			return "", notify.ID{}, errors.New("the disk is full")
		}
		return "data/backup", notify.ID{Epoch: 1}, nil
	}
	s := New(Options{Hub: servertest.NewHub(t), Audit: edge.NewAudit(log),
		Admin: AdminOptions{Addr: "127.0.0.1:0", Key: adminKey, Pprof: true,
			Backup: backup}})
	a, err := s.startAdmin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	base, key := "http://"+a.addr.String(), "Authorization: Bearer "+adminKey
	for _, c := range []struct{ method, path, header, want string }{
		{"GET", "/metrics", key, ""},
		{"GET", "/debug/pprof/goroutine?debug=1&x=secret", key,
			"profile admin /debug/pprof/goroutine ok"},
		{"POST", "/backup", key, "backup admin data/backup ok"},
		{"GET", "/metrics", "Authorization: Bearer wrong-secret", "admin admin /metrics unknown_key"},
		{"GET", "/metrics", "Accept: */*", "admin admin /metrics unauthenticated"},
	} {
		before := len(buf.Lines(t))
		servertest.Do(t, c.method, base+c.path, "", c.header)
		expectAudit(t, buf, before, c.want)
	}
	full.Store(true)
	before := len(buf.Lines(t))
	servertest.Do(t, "POST", base+"/backup", "", key)
	expectAudit(t, buf, before, "backup admin <nil> internal")
}

// expectAudit compares the lines after the first ones with one line, or with none for "".
func expectAudit(t *testing.T, buf *servertest.Log, before int, want string) {
	t.Helper()
	got := ""
	for _, l := range buf.Lines(t)[before:] {
		got += fmt.Sprint(l["action"], " ", l["actor"], " ", l["target"], " ", l["result"])
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
