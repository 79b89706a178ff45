package sse

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/sockets"
)

const (
	// maxIncomplete bounds the memory of bodies of which a part has not arrived, of all requests
	// together. freeBody is what each may take without counting.
	maxIncomplete = 16 << 20
	freeBody      = 16 << 10
)

// readBody reads a body whose Content-Type is JSON.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, ErrMediaType
	}
	rc := http.NewResponseController(w)
	interrupt := func() { _ = rc.SetReadDeadline(time.Unix(1, 0)) }
	body, err := h.intake.ReadAll(http.MaxBytesReader(w, r.Body, limit), freeBody, interrupt)
	if errors.Is(err, sockets.ErrCrowded) {
		return nil, errCrowded
	}
	return body, err
}

// field is a field of a body: the destination of its value, and the error for a value of the wrong
// type.
type field struct {
	name     string
	to       any
	expected string
}

// parseObject reads a body strictly: one JSON object with known names, each at most once. The
// object itself is one more level of nesting than the limit for values.
func parseObject(body []byte, example string, fields []field) error {
	object, err := strictjson.Split(body, strictjson.Rules{Depth: notify.MaxDepth + 1})
	var refused *strictjson.Error
	if errors.As(err, &refused) {
		return invalid(cmp.Or(refused.Path, "body"), refused.Reason)
	}
	if object.Kind() != strictjson.Object {
		return invalid("body", "expected a JSON object such as "+example)
	}
	for m := range object.Members() {
		f := known(fields, m.Name)
		if f == nil {
			return invalid("body", fmt.Sprintf("unknown field %.40q, expected %s", m.Name,
				named(fields)))
		}
		if err := json.Unmarshal(m.Value.Bytes(), f.to); err != nil {
			return invalid(m.Name, f.expected)
		}
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

// named returns the names as text: "join or leave".
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

// writeJSON responds with an object of strings, numbers and booleans. Caches must not store it.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, _ := json.Marshal(answer)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
