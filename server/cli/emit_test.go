package cli

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

func TestEmit(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	// ENV is about a server that starts here, not about the one that the command calls.
	e := env{"ROOMCAST_URL": n.url(), "API_KEYS": testKey + ":*", "ENV": "production"}
	for _, tt := range []struct {
		name, stdin, want string
		code              int
		args              []string
	}{
		{"to a room", "", "  connections 0  users 0  channels 0  (nobody", 0,
			[]string{"emit", "--room", "lobby", "chat message", `"hello"`, `{"n":1}`}},
		{"from standard input", `[1]`, "  connections 0", 0,
			[]string{"emit", "--channel", "lobby", "--namespace", "/chat", "list", "-"}},
		{"as JSON", "", `"delivered":0`, 0, []string{"emit", "--json", "--all", "tick"}},
		{"to two targets", "", "allowed: one of them", ExitUsage,
			[]string{"emit", "--room", "r", "--all", "tick"}},
		{"to nobody", "", "no target", ExitUsage, []string{"emit", "tick"}},
		{"without quotes", "", "argument 2 is not JSON", ExitUsage,
			[]string{"emit", "--all", "tick", "1", "hello"}},
		{"a reserved event", "", "reserved by Socket.IO", ExitFailed,
			[]string{"emit", "--all", "connect"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := run(t, e, tt.stdin, tt.args...); r.code != tt.code ||
				!strings.Contains(r.out+r.notes, tt.want) {
				t.Errorf("%+v", r)
			}
		})
	}
}
