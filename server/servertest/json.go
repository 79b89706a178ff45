package servertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
)

// ProblemJSON returns a problem document in the form of Sorted. Its request id is "req-1", which
// Publish sends.
func ProblemJSON(t testing.TB, status int, code, detail, field string) string {
	t.Helper()
	p := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status,
		"detail": detail, "code": code, "request_id": "req-1"}
	if field != "" {
		p["field"] = field
	}
	return Canonical(t, p)
}

// Canonical returns v as JSON with sorted keys.
func Canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Sorted returns JSON text with sorted keys, to compare texts whose order of keys does not matter.
func Sorted(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %q", text)
	}
	return Canonical(t, v)
}

// JSON returns v as JSON without the escapes for HTML.
func JSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}
