package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Every request that changes something, and every refusal, is one line. Reads and publishes are
// none, and no line has a key, a ticket or the content of a body.
func TestAudit(t *testing.T) {
	t.Parallel()
	const limited = "limited-0123456789-0123456789-0123"
	hub := servertest.NewHub(t)
	log, buf := servertest.NewLog()
	o := testOptions(hub, servertest.Key, limited+":channel:orders")
	o.Audit = edge.NewAudit(log)
	s := testServer{t, "http://" + servertest.Serve(t, edge.WithInfo(nil, New(o))), hub}
	servertest.Attach(t, hub, "c1", "u1", "orders")
	own, other, wrong := nameOf(servertest.Key), nameOf(limited), nameOf("wrong-key-secret")
	const publish = `{"target":{"user":"u1"},"type":"t","data":"secret-data"}`
	for _, c := range []struct {
		method, path, body, key string
		want                    string // "": no line
	}{
		{"GET", "/v1/users", "", "", ""},
		{"POST", "/v1/notifications", publish, "", ""},
		{"POST", "/v1/notifications", `{`, "", ""},
		{"PUT", "/v1/users/u1/channels/news", "", "",
			"joinUser " + own + " user:u1 channel:news ok 1"},
		{"DELETE", "/v1/users/u1/channels/news", "", "",
			"leaveUser " + own + " user:u1 channel:news ok 1"},
		{"PUT", "/v1/connections/nobody/channels/news", "", "",
			"joinConnection " + own + " client:nobody channel:news not_found <nil>"},
		{"DELETE", "/v1/channels/orders/retained/status", "", "",
			"deleteChannelRetained " + own + " channel:orders type:status ok 0"},
		{"POST", "/v1/tickets", `{"userId":"u2"}`, "", ""},
		{"POST", "/v1/tickets", `{"userId":"u2"}`, limited,
			"createTicket " + other + " user:u2 forbidden <nil>"},
		{"POST", "/v1/notifications", publish, limited,
			"publish " + other + " <nil> forbidden <nil>"},
		{"GET", "/v1/users", "", limited, "listUsers " + other + " <nil> forbidden <nil>"},
		{"GET", "/v1/users", "", "wrong-key-secret",
			"listUsers " + wrong + " <nil> unknown_key <nil>"},
		{"DELETE", "/v1/users/u1/connections", "", "", "disconnectUser " + own + " user:u1 ok 1"},
	} {
		before := len(buf.Lines(t))
		headers := []string{"X-Request-ID: req-7"}
		if c.key != "" {
			headers = append(headers, "X-API-Key: "+c.key)
		}
		status, text := s.ask(c.method, c.path, c.body, headers...)
		var got []string
		for _, l := range buf.Lines(t)[before:] {
			if l["msg"] != "audit" || l["actor"] != "api" || l["ip"] != "127.0.0.1" ||
				l["request_id"] != "req-7" || l["level"] != "info" {
				t.Errorf("line %v", l)
			}
			got = append(got, fmt.Sprint(l["action"], " ", l["api_key"], " ", l["target"], " ",
				l["result"], " ", l["count"]))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s %s: %d %s: got %q, want %q", c.method, c.path, status, text, got, c.want)
		}
	}
	for _, secret := range []string{servertest.Key, limited, "wrong-key-secret", "secret-data"} {
		if strings.Contains(buf.Text(), secret) {
			t.Errorf("%s is in\n%s", secret, buf.Text())
		}
	}
}

// nameOf returns the fingerprint of a key.
func nameOf(key string) string {
	return find(*NewKeyring([]string{key}, 0, 0, nil).keys.Load(), key).name()
}
