package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	servertest.Attach(t, s.hub, "c2", "u1", "orders")
	servertest.Attach(t, s.hub, "c1", "u1")
	servertest.Attach(t, s.hub, "c3", "auth0|7", "orders")
	servertest.Attach(t, s.hub, "c4", "")
	const all = `{"users":[{"userId":"auth0|7","username":"auth0|7","connections":1},` +
		`{"userId":"u1","username":"u1","connections":2}]}`
	s.expect("GET", "/v1/users", 200, all)
	s.expect("GET", "/v1/users?online=true", 200, all)
	s.refused("GET", "/v1/users?online=false", "", "online", `online: got "false", expected true`)
	s.expect("GET", "/v1/users/nobody", 200, `{"userId":"nobody","online":false,"connections":[]}`)
	code, text := s.ask("GET", "/v1/users/auth0%7C7", "")
	if code != 200 || !strings.HasPrefix(text,
		`{"userId":"auth0|7","online":true,"connections":[{"clientId":"c3",`) {
		t.Errorf("%d %s", code, text)
	}
	_, text = s.ask("GET", "/v1/users/u1", "")
	if names, _ := ids(t, text, "connections", "clientId"); !slices.Equal(names,
		[]string{"c1", "c2"}) {
		t.Error(text)
	}
	s.expect("GET", "/v1/channels", 200,
		`{"channels":[{"channel":"orders","connections":2,"users":2}]}`)
}
