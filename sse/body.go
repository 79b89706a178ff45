package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
)

// readBody reads a body that is declared as JSON.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) {
		return nil, invalid("body", "is not valid UTF-8")
	}
	return body, nil
}

// field is a field of a body: where its value goes, and what to say of one that does not fit.
type field struct {
	name     string
	to       any
	expected string
}

// parseObject reads a body strictly: one JSON object, each name once and known, nothing behind it.
func parseObject(body []byte, example string, fields []field) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return invalid("body", "expected a JSON object such as "+example)
	}
	seen := make(map[string]bool, len(fields))
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return invalid("body", err.Error())
		}
		name, _ := token.(string) // keys of an object are strings
		f := known(fields, name)
		switch {
		case f == nil:
			return invalid("body", fmt.Sprintf("unknown field %.40q, expected %s", name, named(fields)))
		case seen[name]:
			return invalid(name, "stands there twice")
		}
		seen[name] = true
		if err := d.Decode(f.to); err != nil {
			return invalid(name, f.expected)
		}
	}
	if _, err := d.Token(); err != nil {
		return invalid("body", "the JSON object does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("body", "something follows the JSON object")
	}
	return nil
}

func known(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// named lists the names for people: "join or leave".
func named(fields []field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func invalid(field, reason string) error {
	return &notify.ValidationError{Field: field, Reason: reason}
}

// writeJSON answers with an object of strings, numbers and booleans, which nobody may keep.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, _ := json.Marshal(answer)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
