package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// A minted token has the claims of the flags, and the server accepts it.
func TestToken(t *testing.T) {
	e := env{"JWT_SECRET": testSecret, "JWT_ISSUER": "me", "JWT_AUDIENCE": "you"}
	r := run(t, e, "", "token", "u1", "--name=Ann", "--channel", "team-*", "--publish", "team-7",
		"--ttl=5m", "--json")
	var out struct {
		Token, UserID string
		ExpiresAt     time.Time
	}
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 || out.UserID != "u1" {
		t.Fatalf("%+v %v", r, err)
	}
	users, err := auth.New(auth.Options{
		Mode: auth.ModeToken, Secret: []byte(testSecret), Issuer: "me", Audience: "you",
	})
	if err != nil {
		t.Fatal(err)
	}
	id, err := users.Authenticate(t.Context(), auth.Credentials{Token: out.Token}, auth.SocketIO)
	if err != nil || id.UserID != "u1" || id.Username != "Ann" || !id.MayJoin("team-9") ||
		id.MayJoin("x") || !id.MayPublish("team-7") || !id.ExpiresAt.Equal(out.ExpiresAt) {
		t.Errorf("%+v %v", id, err)
	}
	if r := run(t, e, "", "token", "u1"); strings.Count(r.out, ".") != 2 ||
		strings.Count(r.out, "\n") != 1 {
		t.Errorf("%+v", r)
	}
	for want, args := range map[string][]string{
		"JWT_SECRET is not set": {"token", "u1"},
		"user: ":                {"token", " u1"},
		"--ttl: got":            {"token", "u1", "--ttl=0"},
		"with its unit":         {"send", "--user=u1", "--ttl=5", "hello"},
	} {
		e := env{}
		if want != "JWT_SECRET is not set" {
			e = env{"JWT_SECRET": testSecret}
		}
		if r := run(t, e, "", args...); r.code != ExitUsage || !strings.Contains(r.notes, want) ||
			r.out != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestConfig(t *testing.T) {
	e := env{"JWT_SECRET": testSecret, "PORT": "4000"}
	r := run(t, e, "", "config", "--max-rooms=7")
	for _, want := range []string{
		"\n# Listener\n", "\nPORT ", "4000 ", "environment ", "MAX_ROOMS ", "flag ", "*** ",
		"Port to listen on; 0 takes any free one.\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in %s", want, r.out)
		}
	}
	if strings.Contains(r.out, testSecret) || r.code != 0 {
		t.Errorf("%+v", r)
	}
	r = run(t, e, "", "config", "--json")
	var out settingsJSON
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || !out.OK || len(out.Settings) < 30 {
		t.Fatalf("%v %+v", err, r)
	}
	i := slices.IndexFunc(out.Settings, func(s settingJSON) bool { return s.Name == "PORT" })
	if got := out.Settings[i]; got.Flag != "--port" || got.Value != "4000" ||
		got.Source != "environment" || got.Default != "3000" || got.Doc == "" {
		t.Errorf("%+v", got)
	}
	if r := run(t, env{}, "", "config", "--check"); r.code != 0 ||
		r.out != "The settings are valid.\n" || !strings.Contains(r.notes, "warning: open mode") {
		t.Errorf("%+v", r)
	}
	r = run(t, env{"PORT": "x", "LOG_LEVEL": "loud"}, "", "config", "--check", "--json")
	var report struct{ Problems []string }
	if err := json.Unmarshal([]byte(r.notes), &report); err != nil || len(report.Problems) != 2 ||
		r.code != ExitUsage {
		t.Errorf("%v %+v", err, r)
	}
}

// Without --url healthcheck uses the server that the settings describe.
func TestHealthcheck(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	_, port, _ := strings.Cut(n.address, ":")
	for _, args := range [][]string{
		{"healthcheck"}, {"healthcheck", "--live"}, {"healthcheck", "--url", n.url()},
	} {
		if r := run(t, env{"PORT": port, "AUTH_MODE": "open"}, "", args...); r.code != 0 ||
			!strings.Contains(r.out, n.url()) {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := run(t, env{"PORT": port}, "", "healthcheck", "--json"); r.code != 0 ||
		!json.Valid([]byte(r.out)) {
		t.Errorf("%+v", r)
	}
	// A server whose secrets were replaced by wrong ones goes on with the former ones, and is healthy.
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range []env{
		{"JWT_SECRET_FILE": wrong, "HOST": "0.0.0.0"}, {"API_KEYS_FILE": wrong + "x"}, {"JWT_PUBLIC_KEY_FILE": wrong},
		{"SECRETS_DIR": wrong, "EVENTS_URL": "http://h", "AUTH_MODE": "token", "CLUSTER_ADVERTISE": "http://h:1"},
		{"SECRETS_DIR": filepath.Dir(wrong)},
	} {
		e["PORT"] = port
		if r := run(t, e, "", "healthcheck"); r.code != 0 || !strings.Contains(r.out, n.url()) {
			t.Errorf("%v: %+v", e, r)
		}
	}
	n.stop()
	if r := run(t, env{"PORT": port}, "", "healthcheck"); r.code != ExitFailed ||
		!strings.Contains(r.notes, "no answer from") {
		t.Errorf("%+v", r)
	}
}

// Version and completion work with wrong settings.
func TestWithoutSettings(t *testing.T) {
	if r := run(t, env{"PORT": "x"}, "", "version"); r.code != 0 ||
		!strings.HasPrefix(r.out, "roomcast ") {
		t.Errorf("%+v", r)
	}
	var out buildInfo
	if r := run(t, env{"PORT": "x"}, "", "version",
		"--json"); json.Unmarshal([]byte(r.out), &out) != nil || out.Go == "" || out.Version == "" {
		t.Errorf("%+v", r)
	}
	if r := run(t, env{"PORT": "x"}, "", "completion", "powershell"); r.code != ExitUsage ||
		r.out != "" {
		t.Errorf("%+v", r)
	}
}

// bash itself reports what the script completes.
func TestCompletionBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script := run(t, env{}, "", "completion", "bash").out
	for line, want := range map[string]string{
		"roomcast se":                    "serve send",
		"roomcast send --us":             "--user",
		"roomcast send --volatile --id":  "--idempotency-key",
		"roomcast --auth-mode o":         "open",
		"roomcast serve --log-level = w": "warn",
		"roomcast completion f":          "fish",
		"roomcast token --max":           "",
		"roomcast --port 1 serve --max-conn": "--max-connections " +
			"--max-connections-per-user --max-connections-per-ip",
		"roomcast --config " + "completion_test.n": "",
	} {
		words := strings.Fields(line)
		test := script + "\nCOMP_WORDS=(" + line + ")\nCOMP_CWORD=" +
			string(rune('0'+len(words)-1)) + "\n_roomcast\necho \"${COMPREPLY[*]}\"\n"
		out, err := exec.Command(bash, "-c", test).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", line, got, err, want)
		}
	}
}

// Other shells check the script if they are installed. The script contains every command and a flag
// of each.
func TestCompletionOfOtherShells(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		script := run(t, env{}, "", "completion", shell).out
		for _, want := range []string{
			"serve", "send", "tail", "token", "config", "healthcheck", "version", "completion",
			"idempotency-key", "socketio", "max-rooms", "json console",
		} {
			if !strings.Contains(script, want) {
				t.Errorf("%s: no %s", shell, want)
			}
		}
		if strings.Count(script, "'")%2 != 0 || strings.Contains(script, "{{") {
			t.Errorf("%s: %s", shell, script)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path, "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", shell, err, out)
		}
	}
}
