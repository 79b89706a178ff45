package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// followCommand runs tail until the test ends it. It returns its output, its notes, and a function
// that ends it and returns its error.
func followCommand(t *testing.T, e env, args ...string) (out, notes *output, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, notes = newOutput(), newOutput()
	done := make(chan error, 1)
	go func() { done <- runIn(ctx, e, nil, out, notes, append([]string{"tail"}, args...)...) }()
	return out, notes, func() error {
		cancel()
		return <-done
	}
}

func publish(t *testing.T, n *node, kind, data string, to notify.Target) string {
	t.Helper()
	receipt, err := n.hub.Publish(t.Context(),
		notify.Notification{Type: kind, Data: json.RawMessage(data)}, to)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.ID
}

func TestTail(t *testing.T) {
	for _, transport := range []string{"--sse", "--socketio"} {
		t.Run(transport, func(t *testing.T) {
			n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
			out, _, end := followCommand(t, env{"ROOMCAST_URL": n.url()}, transport, "--user", "u1",
				"--channel=orders", "--channel", "a b")
			out.until(t, "# connected ")
			one := publish(t, n, "payment:completed", `{"amount":9.99}`, notify.ToUser("u1"))
			two := publish(t, n, "chat message", `"`+"\u202e"+`"`, notify.ToChannel("a b"))
			if _, err := n.hub.Publish(t.Context(), notify.Notification{
				Type: "typing", Volatile: true,
			}, notify.ToChannel("orders")); err != nil {
				t.Fatal(err)
			}
			out.until(t, "typing")
			if err := end(); err != nil {
				t.Error(err)
			}
			lines := strings.Split(out.String(), "\n")
			for i, want := range []struct{ id, rest string }{
				{one, `  payment:completed  {"amount":9.99}`}, {two, `  chat message  "\u202e"`},
				{"volatile", "  typing  null"},
			} {
				if line := lines[i+1]; !strings.HasPrefix(line, want.id+"  ") ||
					!strings.HasSuffix(line, want.rest) {
					t.Errorf("line %q, want %s … %s", line, want.id, want.rest)
				}
			}
		})
	}
}

// The server stops for a moment: a notification that is sent before tail reconnects is printed
// once.
func TestTailResumes(t *testing.T) {
	for _, transport := range []string{"--sse", "--socketio"} {
		t.Run(transport, func(t *testing.T) {
			n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
			out, notes, end := followCommand(t, env{"ROOMCAST_URL": n.url()}, transport,
				"--user=u1", "--json")
			out.until(t, `{"event":"connected"`)
			publish(t, n, "one", "1", notify.ToUser("u1"))
			out.until(t, `"event":"one"`)
			n.stop()
			notes.until(t, "# lost: ")
			again := start(t, n.address, auth.Options{Mode: auth.ModeOpen})
			publish(t, again, "two", "2", notify.ToUser("u1"))
			out.until(t, `"event":"two"`)
			if err := end(); err != nil {
				t.Error(err)
			}
			if s := out.String(); strings.Count(s, `"event":"one"`) != 1 ||
				strings.Count(s, `"event":"two"`) != 1 || !strings.Contains(s, `"event":"gap"`) {
				t.Errorf("%s", s)
			}
			for line := range strings.Lines(out.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%q is not JSON", line)
				}
			}
		})
	}
}

// With --since and --count, tail prints a number of notifications after an id. It mints a token
// when there is a key. The name of a channel may have commas.
func TestTailSince(t *testing.T) {
	for _, transport := range []string{"--sse", "--socketio"} {
		t.Run(transport, func(t *testing.T) {
			n := start(t, "127.0.0.1:0", auth.Options{
				Mode: auth.ModeToken, Secret: []byte(testSecret),
			})
			publish(t, n, "zero", "0", notify.ToUser("u1"))
			id := publish(t, n, "one", "1", notify.ToUser("u1"))
			publish(t, n, "two", "2", notify.ToChannel("geo:52.52,13.40"))
			publish(t, n, "three", "3", notify.ToUser("u1"))
			publish(t, n, "four", "4", notify.ToUser("u1"))
			e := env{"ROOMCAST_URL": n.url(), "JWT_SECRET": testSecret}
			r := run(t, e, "", "tail", transport, "--user=u1", "--channel=geo:52.52,13.40",
				"--since", id, "--count=2")
			if r.code != 0 || !strings.Contains(r.out, "  two  2") ||
				!strings.Contains(r.out, "  three  3") || strings.Contains(r.out, "four") ||
				strings.Contains(r.out, "  one") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestTailRefused(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeToken, Secret: []byte(testSecret)})
	for _, transport := range []string{"--sse", "--socketio"} {
		for token, want := range map[string]string{
			"": "unauthenticated", "not.a.token": "invalid_token",
		} {
			r := run(t, env{"ROOMCAST_URL": n.url(), "ROOMCAST_TOKEN": token}, "", "tail",
				transport, "--user=u1")
			if r.code != ExitFailed || !strings.Contains(r.notes, "401 "+want) ||
				strings.Contains(r.notes, "not.a") {
				t.Errorf("%s %q: %+v", transport, token, r)
			}
		}
	}
	n.stop()
	for _, transport := range []string{"--sse", "--socketio"} {
		if r := run(t, env{"ROOMCAST_URL": n.url(), "ROOMCAST_TOKEN": "x"}, "", "tail",
			transport); r.code != ExitNoReply {
			t.Errorf("%s: %+v", transport, r)
		}
	}
	if r := run(t, env{}, "", "tail", "--sse", "--socketio"); r.code != ExitUsage {
		t.Errorf("both transports: %+v", r)
	}
}
