package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

var keyLine = regexp.MustCompile(`API key \([^)]*\): (\S+)`)

// The generated key is that of the next process, printed once at each start and never logged. Without
// its file there is another one.
func TestGeneratedKeyIsKept(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"DATA_DIR": t.TempDir(), "LOG_LEVEL": "debug"}
	path := filepath.Join(settings["DATA_DIR"], keyFile)
	serve := func() string {
		p := start(t, settings)
		servertest.Eventually(t, "the key is printed", func() bool {
			return keyLine.MatchString(p.notes.String())
		})
		key := keyLine.FindStringSubmatch(p.notes.String())[1]
		if code, text := p.publish(key); code != 200 {
			t.Errorf("%d %s", code, text)
		}
		p.end()
		if strings.Count(p.notes.String(), key) != 2 || strings.Contains(p.out.String(), key) {
			t.Errorf("the key is printed otherwise than once alone and once in the URL:\n%s", p.notes)
		}
		return key
	}
	first := serve()
	info, err := os.Stat(path)
	if err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if again := serve(); again != first {
		t.Error("the second process has another key")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if other := serve(); other == first {
		t.Error("without the file the key is the same")
	}
}

func TestDamagedKeyFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("k", 40) + ":all", strings.Repeat("k\n", 40)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, keyFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := generatedKey(dir)
		if err == nil || !strings.Contains(err.Error(), keyFile) || text != "" &&
			strings.Contains(err.Error(), text) {
			t.Errorf("%q: key %q, %v", text, key, err)
		}
	}
}
