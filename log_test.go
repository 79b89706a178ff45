package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// With LOG_FORMAT=json every line on stdout is an object. The first one has the version, and the
// last one what was drained.
func TestLogLines(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"LOG_LEVEL": "debug"})
	p.publish("wrong")
	p.end()
	var lines []map[string]any
	for text := range strings.Lines(p.out.String()) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines = append(lines, line)
	}
	if first := lines[0]; first["msg"] != "starting" || first["version"] == "" {
		t.Errorf("the first line is %v", first)
	}
	last := lines[len(lines)-1]
	delete(last, "ts")
	delete(last, "after")
	want := map[string]any{"level": "info", "msg": "drained", "sockets": 0.0, "streams": 0.0,
		"complete": true}
	if !reflect.DeepEqual(last, want) {
		t.Errorf("the last line is %v, want %v", last, want)
	}
}

// At debug level the log tells which key has published, without the key.
func TestLogNamesTheKey(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"LOG_LEVEL": "debug", "API_KEYS": testKey})
	if status, text := p.publish(testKey); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	p.end()
	digest := sha256.Sum256([]byte(testKey))
	want := `"msg":"published","api_key":"` + hex.EncodeToString(digest[:])[:4] + `",`
	if out := p.out.String(); !strings.Contains(out, want) || strings.Contains(out, testKey) {
		t.Errorf("no %s, or the key, in\n%s", want, out)
	}
}
