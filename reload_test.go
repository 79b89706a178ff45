package main

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

const (
	firstKey  = "first-key-0123456789-0123456789-01"
	secondKey = "second-key-0123456789-0123456789-0"
)

// reloadable is a program with a settings file and a file of API keys.
type reloadable struct {
	*program
	file, keys string
}

func newReloadable(t *testing.T, settings string) *reloadable {
	t.Helper()
	directory := t.TempDir()
	r := &reloadable{file: filepath.Join(directory, "settings.json"),
		keys: filepath.Join(directory, "keys")}
	write(t, r.file, settings)
	write(t, r.keys, firstKey)
	r.program = newProgram(t, map[string]string{"API_KEYS_FILE": r.keys})
	r.args = append(r.args, "--config", r.file)
	r.start()
	return r
}

// reload asks for a reload and returns the next log line with this message.
func (r *reloadable) reload(msg string) (line map[string]any) {
	r.t.Helper()
	return r.next(msg, func() { r.hangups <- true })
}

func (r *reloadable) status(method, path string, header ...string) int {
	r.t.Helper()
	q, err := http.NewRequest(method, r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	res, err := httpClient().Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// SIGHUP applies what can change, names it without values, and names what needs a restart.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, `{"log-level": "info"}`)
	socket := "/socket.io/?EIO=4&transport=polling"
	if got := r.status("GET", socket, "Origin", "https://new.example"); got != 403 {
		t.Errorf("an unknown origin got %d", got)
	}
	write(t, r.keys, firstKey+"\n"+secondKey+":user:*\n")
	write(t, r.file, `{"log-level": "debug", "allowed-origins": ["https://new.example"],
		"sse-max-connections": 3, "history-size": 7}`)
	line := r.reload("settings reloaded")
	want := []any{"ALLOWED_ORIGINS", "API_KEYS_FILE", "SSE_MAX_CONNECTIONS", "LOG_LEVEL"}
	if got := line["changed"]; !reflect.DeepEqual(got, want) {
		t.Errorf("changed %v, want %v", got, want)
	}
	if got := line["needs_restart"]; !reflect.DeepEqual(got, []any{"HISTORY_SIZE"}) {
		t.Errorf("needs_restart %v", got)
	}
	if got := r.status("GET", socket, "Origin", "https://new.example"); got != 200 {
		t.Errorf("the new origin got %d", got)
	}
	if status, text := r.publish(firstKey); status != 200 {
		t.Errorf("the key that stays got %d %s", status, text)
	}
	if status, text := r.publish(secondKey); status != 403 || !strings.Contains(text, "target") {
		t.Errorf("the new key, which is limited, got %d %s", status, text)
	}
	r.waitFor(regexp.MustCompile(`"level":"debug"`))

	write(t, r.keys, secondKey)
	r.reload("settings reloaded")
	if status, _ := r.publish(firstKey); status != 403 {
		t.Errorf("the removed key got %d", status)
	}
	if line := r.reload("settings reloaded"); !reflect.DeepEqual(line["changed"], []any{}) {
		t.Errorf("without a change: %v", line)
	}
	r.end()
	if out := r.out.String() + r.notes.String(); strings.Contains(out, firstKey) ||
		strings.Contains(out, secondKey) {
		t.Errorf("a key is in\n%s", out)
	}
}

// While the secret of tokens is replaced, a reload adds the new one and another removes the former,
// and no client is refused in between.
func TestReplacedSecret(t *testing.T) {
	t.Parallel()
	secrets := filepath.Join(t.TempDir(), "secrets")
	write(t, secrets, firstKey+"\n")
	r := &reloadable{program: start(t, map[string]string{"JWT_SECRET_FILE": secrets, "HOST": "127.0.0.1"})}
	accepted := func(secret string) bool {
		token := servertest.SignHS256(t, secret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
		return strings.HasPrefix(r.connect(token), "40{")
	}
	for _, step := range []struct {
		file          string
		first, second bool
	}{
		{firstKey + "\n", true, false},
		{firstKey + "\n" + secondKey + "\n", true, true}, // before an application signs with the new one
		{secondKey + "\n" + firstKey + "\n", true, true},
		{secondKey + "\n", false, true}, // when the last token of the former one has expired
	} {
		write(t, secrets, step.file)
		r.reload("settings reloaded")
		if first, second := accepted(firstKey), accepted(secondKey); first != step.first ||
			second != step.second {
			t.Errorf("with the file %q: %t and %t", step.file, first, second)
		}
	}
	r.end()
	if out := r.out.String() + r.notes.String(); strings.Contains(out, firstKey) ||
		strings.Contains(out, secondKey) {
		t.Errorf("a secret is in\n%s", out)
	}
}

// A mistake in a file changes nothing, and the log tells it.
func TestReloadOfABadFile(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, `{"log-level": "info"}`)
	for name, change := range map[string]func(){
		"no object":     func() { write(t, r.file, `{"log-level": `) },
		"a wrong value": func() { write(t, r.file, `{"log-level": "loud", "publish-rate": 1}`) },
		"an empty file": func() { write(t, r.file, `{}`); write(t, r.keys, "") },
		"no file": func() {
			if err := os.Remove(r.keys); err != nil {
				t.Fatal(err)
			}
		},
	} {
		change()
		line := r.reload("the settings were not reloaded, the former ones stay")
		if line["level"] != "error" || line["error"] == "" {
			t.Errorf("%s: %v", name, line)
		}
		if status, text := r.publish(firstKey); status != 200 {
			t.Errorf("%s: the former key got %d %s", name, status, text)
		}
		write(t, r.keys, firstKey)
	}
	r.end()
}

// Without keys in the settings a reload generates one, as the start does.
func TestReloadGeneratesAKey(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	file := filepath.Join(directory, "settings.json")
	write(t, file, `{"api-keys": "`+firstKey+`"}`)
	r := &reloadable{program: newProgram(t, nil), file: file}
	r.args = append(r.args, "--config", file)
	r.start()
	write(t, file, `{}`)
	r.reload("settings reloaded")
	r.end()
	if !regexp.MustCompile(`#key=[A-Z2-7]{52}\n`).MatchString(r.notes.String()) {
		t.Errorf("no key in %q", r.notes)
	}
}

// When the terminal of the program closes, the program drains and ends.
func TestEndOfTheTerminal(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.hangups <- false
	p.ended()
	if out := p.out.String(); !strings.Contains(out, `"msg":"drained"`) {
		t.Errorf("it did not drain:\n%s", out)
	}
}
