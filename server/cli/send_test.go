package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

func TestSend(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	e := env{"ROOMCAST_URL": n.url(), "API_KEYS": testKey + ":*"}
	for _, tt := range []struct {
		name, stdin, want string
		args              []string
	}{
		{"to a user", "", "  connections 0  users 0  channels 0  (nobody is connected now; stored " +
			"for replay)\n",
			[]string{"send", "--user", "u1", "payment:completed", `{"amount":9.99}`}},
		{
			"to several", "", "  connections 0  users 0",
			[]string{"send", "--user", "u1", "--user", "a,b", "hello"},
		},
		{
			"to a channel, from standard input", `[1, 2]`, "  connections 0  users 0  channels 0",
			[]string{"send", "--channel=orders", "hello", "-"},
		},
		{
			"volatile", "", "volatile  connections 0  users 0  channels 0\n",
			[]string{"send", "--all", "--volatile", "hello", "null"},
		},
		{
			"retained", "", "  connections 0  users 0  channels 0",
			[]string{"send", "--channel=orders", "--retain", "hello"},
		},
		{
			"with everything", "", "  connections 0",
			[]string{"send", "--all", "--except", "c1", "--metadata", `{"a":1}`, "hello", `"text"`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := run(t, e, tt.stdin, tt.args...); r.code != 0 ||
				!strings.Contains(r.out, tt.want) || r.notes != "" {
				t.Errorf("%+v", r)
			}
		})
	}
	if r := run(t, e, "", "send", "--all", "--retain", "hello"); r.code == 0 ||
		!strings.Contains(r.notes, "retain: needs a target of one channel or one user") {
		t.Errorf("%+v", r)
	}
	r := run(t, e, "", "send", "--json", "--client", "c1", "hello", "12345678901234567890")
	var reply map[string]any
	if err := json.Unmarshal([]byte(r.out), &reply); err != nil || reply["id"] == "" ||
		reply["stored"] != true {
		t.Errorf("%+v %v", r, err)
	}
}

// Each mistake has its exit code and a text that says what to do. No text contains the key.
func TestSendErrors(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	gone := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	gone.stop()
	for _, tt := range []struct {
		name, want string
		code       int
		e          env
		args       []string
	}{
		{"no key", "no API key: set ROOMCAST_API_KEY", 2, env{}, []string{"send", "--all", "x"}},
		{"a key with a line end", "the API key has a line end", 2, env{"ROOMCAST_API_KEY": testKey + "\r"},
			[]string{"send", "--all", "x"}},
		{
			"the key's other name", "the server answered 403 forbidden: unknown API key", 1,
			env{"ROOMCAST_API_KEY": "wrong-key-of-mine"}, []string{"send", "--all", "x"},
		},
		{
			"no target", "no target: use --user", 2, env{"ROOMCAST_KEY": testKey},
			[]string{"send", "x"},
		},
		{
			"two targets", "allowed: one of --user", 2, env{"ROOMCAST_KEY": testKey},
			[]string{"send", "--all", "--user=u", "x"},
		},
		{
			"data that is no JSON", `data is not JSON`, 2, env{"ROOMCAST_KEY": testKey},
			[]string{"send", "--all", "x", "hello"},
		},
		{
			"bad URL", "--url: allowed", 2, env{"ROOMCAST_KEY": testKey},
			[]string{"send", "--all", "--url=ftp://x", "x"},
		},
		{
			"bad setting", `PORT (environment): got "x"`, 2, env{"PORT": "x"},
			[]string{"send", "--all", "x"},
		},
		{"bad flag", `--timeout: got "x"`, 2, env{}, []string{"send", "--all", "--timeout=x", "x"}},
		{
			"a flag that is not there", "unknown flag --too", 2, env{},
			[]string{"send", "--too", "u1", "x"},
		},
		{
			"wrong key", "the server answered 403 forbidden: unknown API key", 1,
			env{"ROOMCAST_KEY": "wrong-key-of-mine"}, []string{"send", "--all", "x"},
		},
		{
			"refused", "400 validation: type: ", 1, env{"ROOMCAST_KEY": testKey},
			[]string{"send", "--all", "connect"},
		},
		{
			"no server", "no answer from " + gone.url(), 3,
			env{"ROOMCAST_KEY": testKey, "ROOMCAST_URL": gone.url()},
			[]string{"send", "--all", "x"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.e["ROOMCAST_URL"] == "" {
				tt.e["ROOMCAST_URL"] = n.url()
			}
			r := run(t, tt.e, "", tt.args...)
			if r.code != tt.code || !strings.Contains(r.notes, tt.want) || r.out != "" {
				t.Errorf("%+v", r)
			}
			if strings.Contains(r.notes, testKey) || strings.Contains(r.notes, "wrong-key") {
				t.Errorf("the key is shown: %s", r.notes)
			}
			r = run(t, tt.e, "", append(tt.args, "--json")...)
			var report struct {
				Error string
				Exit  int
			}
			if err := json.Unmarshal([]byte(r.notes), &report); err != nil ||
				report.Exit != tt.code || report.Error == "" {
				t.Errorf("as JSON: %v %q", err, r.notes)
			}
		})
	}
}

// The report contains the problem document unchanged.
func TestReportOfAProblem(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	r := run(t, env{"ROOMCAST_URL": n.url(), "ROOMCAST_KEY": testKey}, "", "send", "--json",
		"--all", "connect")
	var report struct{ Problem struct{ Code, Field string } }
	if err := json.Unmarshal([]byte(r.notes), &report); err != nil ||
		report.Problem.Code != "validation" || report.Problem.Field != "type" {
		t.Errorf("%v %s", err, r.notes)
	}
}

// The argument is the body of the kind; flags add fields to it, and numbers keep their spelling.
func TestSendKind(t *testing.T) {
	s := &Send{
		Kind:       "payment",
		Type:       `{"paymentId":"p1","status":"completed","data":{"amount":12345678901234567890.10}}`,
		recipients: recipients{User: names{"u1"}, Volatile: true},
	}
	path, body, err := s.body(nil)
	want := `{"data":{"amount":12345678901234567890.10},"paymentId":"p1","status":"completed",` +
		`"target":{"user":"u1"},"volatile":true}`
	if err != nil || path != "/v1/notifications/payment" || string(body) != want {
		t.Errorf("%s %s %v", path, body, err)
	}
	for _, bad := range []string{`[]`, `null`, `"x"`, `{`} {
		if _, _, err := (&Send{Kind: "payment", Type: bad}).body(nil); exitCode(err) != ExitUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
