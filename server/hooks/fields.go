package hooks

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// unusable returns the *Failure for a member of an answer that is unknown, or whose value is not
// valid for the reason err. keys are the known names, in the form of a sentence.
func unusable(m strictjson.Member, known bool, keys string, err error) error {
	switch {
	case !known:
		return failed("invalid", "the answer has the unknown field %q, expected %s",
			strictjson.Shorten(m.Name), keys)
	case err != nil:
		return failed("invalid", "the answer is not valid: %v", err)
	}
	return nil
}

// isOneOf reports whether a name is one of keys, such as "a, b or c".
func isOneOf(name, keys string) bool {
	return slices.Contains(strings.Fields(strings.ReplaceAll(
		strings.ReplaceAll(keys, " or ", " "), ",", "")), name)
}

func invalid(field, reason string) error {
	return &notify.ValidationError{Field: field, Reason: reason}
}

func decodeText(m strictjson.Member) (string, error) {
	return catalogue.DecodeText(m.Name, m.Value)
}

func decodeUserID(m strictjson.Member) (string, error) {
	id, err := decodeText(m)
	if err == nil {
		err = rooms.CheckUserID(m.Name, id)
	}
	return id, err
}

// decodePatterns decodes patterns of channels. Those of rooms that belong to the server match
// nothing, so they are mistakes.
func decodePatterns(m strictjson.Member) ([]string, error) {
	patterns, err := catalogue.DecodeNames(m.Name, m.Value)
	if err != nil {
		return nil, err
	}
	for _, pattern := range patterns {
		if pattern == "*" {
			continue
		}
		if err := rooms.CheckChannel(m.Name, pattern); err != nil {
			return nil, err
		}
	}
	return patterns, nil
}

// decodeData decodes the data of a connection.
func decodeData(m strictjson.Member) (json.RawMessage, error) {
	if _, err := mergeData([]byte("{}"), m.Value); err != nil {
		return nil, err
	}
	if len(m.Value.Bytes()) > maxData {
		return nil, invalid(m.Name, "is too large for a connection")
	}
	return m.Value.Clone().Bytes(), nil
}

// decodeFuture decodes a time after now, in the form of JavaScript's toISOString.
func decodeFuture(m strictjson.Member, now time.Time) (time.Time, error) {
	text, err := decodeText(m)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return at, invalid(m.Name, `expected a time such as "2026-11-22T10:00:00Z"`)
	case !at.After(now):
		return at, invalid(m.Name, "is in the past")
	}
	return at, nil
}

// encode returns a request as JSON. It does not escape for HTML, which would make a text several
// times its size.
func encode(request any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		return nil, failed("invalid", "the request cannot be encoded: %v", err)
	}
	return body.Bytes(), nil
}
