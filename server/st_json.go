package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
)

func problemJSON(t testing.TB, status int, code, detail, field string) string {
	t.Helper()
	p := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status,
		"detail": detail, "code": code, "request_id": "req-1"}
	if field != "" {
		p["field"] = field
	}
	return canonical(t, p)
}

// canonical is v as JSON with sorted keys, to compare what must be equal but
// for the order of keys.
func canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sorted(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %q", text)
	}
	return canonical(t, v)
}

// mustJSON is v as JSON, without the escapes for HTML.
func mustJSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}
