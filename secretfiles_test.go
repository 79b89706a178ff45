package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// mountedSecrets is a directory of secrets that is replaced at once by another link, as Kubernetes
// does.
type mountedSecrets struct {
	t         *testing.T
	directory string
	versions  int
}

func newMountedSecrets(t *testing.T, files map[string]string) *mountedSecrets {
	m := &mountedSecrets{t: t, directory: t.TempDir()}
	m.replace(files)
	for name := range files {
		m.link(filepath.Join("..data", name), name)
	}
	return m
}

func (m *mountedSecrets) link(target, name string) {
	if err := os.Symlink(target, filepath.Join(m.directory, name)); err != nil {
		m.t.Skip("this system makes no links: ", err)
	}
}

// replace replaces all files. It does not make the links to new ones, nor remove others.
func (m *mountedSecrets) replace(files map[string]string) {
	m.t.Helper()
	m.versions++
	version := fmt.Sprintf("..version_%d", m.versions)
	for name, text := range files {
		write(m.t, filepath.Join(m.directory, version, name), text)
	}
	m.link(version, "..data_tmp")
	if err := os.Rename(filepath.Join(m.directory, "..data_tmp"), filepath.Join(m.directory, "..data")); err != nil {
		m.t.Fatal(err)
	}
}

// signedBy starts a receiver of webhooks, and returns its URL and the secrets, by their numbers, that
// have signed each request.
func signedBy(t *testing.T, secrets ...string) (base string, requests <-chan []int) {
	t.Helper()
	got := make(chan []int, 64)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		by := []int{}
		for i, secret := range secrets {
			verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
			if err != nil {
				t.Error(err)
			} else if verifier.Verify(body, r.Header) == nil {
				by = append(by, i)
			}
		}
		got <- by
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, got
}

// undelivered publishes to nobody, which is a webhook, and returns who has signed it.
func (p *program) undelivered(key string, requests <-chan []int) []int {
	p.t.Helper()
	if status, text := p.publish(key); status != 200 {
		p.t.Errorf("publish: %d %s", status, text)
	}
	select {
	case by := <-requests:
		return by
	case <-time.After(patience):
		p.t.Fatalf("no webhook:\n%s", p.out)
		return nil
	}
}

// look makes the program look at its files of secrets, as often as a change needs.
func (p *program) look() {
	for range 2 {
		p.looks <- time.Now()
	}
}

// next calls f and returns the next log line with this message.
func (p *program) next(msg string, f func()) (line map[string]any) {
	p.t.Helper()
	seen := len(p.out.String())
	f()
	text := p.waitForAfter(seen, regexp.MustCompile(`\{[^\n]*"msg":"`+msg+`"[^\n]*\}`))[0]
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	return line
}

// Secrets in a directory are replaced without a signal, when two looks show the same files. With a
// mistake in one of them the former ones stay.
func TestMountedSecretsChange(t *testing.T) {
	t.Parallel()
	const reloaded, refused = "settings reloaded", "the new secrets are not used, the former ones stay"
	receiver, requests := signedBy(t, firstKey, secondKey)
	secrets := newMountedSecrets(t, map[string]string{"API_KEYS": firstKey, "HOOK_SECRET": firstKey + "\n"})
	p := start(t, map[string]string{"SECRETS_DIR": secrets.directory, "WEBHOOK_URLS": receiver,
		"WEBHOOK_EVENTS": "notification.undelivered", "AUTH_MODE": "ticket", "HOST": "127.0.0.1",
		"HOOK_ALLOW_PRIVATE": "true"})
	check := func(step, key string, want ...int) {
		t.Helper()
		if got := p.undelivered(key, requests); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: signed by %v, want %v", step, got, want)
		}
	}
	check("before", firstKey, 0)

	both := firstKey + "\n" + secondKey + "\n"
	secrets.replace(map[string]string{"API_KEYS": both, "HOOK_SECRET": both})
	line := p.next(reloaded, func() {
		p.looks <- time.Now()
		check("first look", firstKey, 0)
		p.looks <- time.Now()
	})
	if got := line["changed"]; !reflect.DeepEqual(got, []any{"API_KEYS_FILE", "HOOK_SECRET_FILE"}) {
		t.Errorf("changed %v", got)
	}
	check("both", firstKey, 0, 1)
	check("both", secondKey, 0, 1)

	for _, wrong := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"API_KEYS": secondKey, "HOOK_SECRET": "short"},
			"HOOK_SECRET (HOOK_SECRET_FILE): secret 1 has 5 bytes, expected at least 24"},
		{map[string]string{"HOOK_SECRET": secondKey},
			"API_KEYS_FILE (SECRETS_DIR): open " + filepath.Join(secrets.directory, "API_KEYS")},
		{map[string]string{"API_KEYS": "\n", "HOOK_SECRET": secondKey}, "API_KEYS is empty"},
	} {
		secrets.replace(wrong.files)
		line := p.next(refused, p.look)
		if text := fmt.Sprint(line["error"]); line["level"] != "error" || !strings.Contains(text, wrong.want) {
			t.Errorf("%v, want %s", line, wrong.want)
		}
		p.look() // has no second line
		check(wrong.want, firstKey, 0, 1)
	}

	secrets.replace(map[string]string{"API_KEYS": secondKey, "HOOK_SECRET": secondKey})
	p.next(reloaded, p.look)
	check("the new ones", secondKey, 1)
	if status, _ := p.publish(firstKey); status != 403 {
		t.Errorf("the removed key got %d", status)
	}
	p.look()
	p.end()
	out := p.out.String() + p.notes.String()
	if got := strings.Count(out, refused); got != 3 {
		t.Errorf("%d lines about 3 mistakes:\n%s", got, out)
	}
	if got := strings.Count(out, `"action":"reload","actor":"file"`); got != 5 {
		t.Errorf("%d lines of the audit about 5 changes:\n%s", got, out)
	}
	if strings.Contains(out, firstKey) || strings.Contains(out, secondKey) {
		t.Errorf("a secret is in\n%s", out)
	}
}

// A look changes nothing but secrets: what an operator writes into the settings file meanwhile waits
// for a reload, and a mistake there does not keep a secret from being replaced.
func TestLookLeavesOtherSettings(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, `{"log-level": "info"}`)
	write(t, r.file, `{"log-level": `)
	write(t, r.keys, secondKey)
	line := r.next("settings reloaded", r.look)
	if got := line["changed"]; !reflect.DeepEqual(got, []any{"API_KEYS_FILE"}) {
		t.Errorf("changed %v", got)
	}
	if status, text := r.publish(secondKey); status != 200 {
		t.Errorf("the new key got %d %s", status, text)
	}
	write(t, r.file, `{"log-level": "debug"}`)
	if line = r.reload("settings reloaded"); !reflect.DeepEqual(line["changed"], []any{"LOG_LEVEL"}) {
		t.Errorf("changed %v", line["changed"])
	}
	r.end()
}

// The secret of webhooks is replaced by reloads, and a receiver can verify with one secret all the time.
func TestReplacedHookSecret(t *testing.T) {
	t.Parallel()
	receiver, requests := signedBy(t, firstKey, secondKey)
	secrets := filepath.Join(t.TempDir(), "hook-secret")
	write(t, secrets, firstKey+"\n")
	r := &reloadable{program: start(t, map[string]string{"API_KEYS": testKey, "HOOK_SECRET_FILE": secrets,
		"WEBHOOK_URLS": receiver, "WEBHOOK_EVENTS": "notification.undelivered"})}
	for _, step := range []struct {
		file string
		want []int
	}{
		{firstKey + "\n" + secondKey + "\n", []int{0, 1}}, {secondKey + "\n", []int{1}},
	} {
		write(t, secrets, step.file)
		line := r.reload("settings reloaded")
		if got := line["changed"]; !reflect.DeepEqual(got, []any{"HOOK_SECRET_FILE"}) {
			t.Errorf("changed %v", got)
		}
		if got := r.undelivered(testKey, requests); !reflect.DeepEqual(got, step.want) {
			t.Errorf("signed by %v, want %v", got, step.want)
		}
	}
	r.end()
}
