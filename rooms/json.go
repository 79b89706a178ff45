package rooms

import (
	"encoding/json"
	"errors"
	"strconv"
)

// Name is a name as clients and backends write it in JSON: a string, or a whole number, because many
// applications number their users and rooms. A number is its decimal text.
type Name string

// UnmarshalJSON accepts a string, or what [Number] accepts.
func (n *Name) UnmarshalJSON(raw []byte) error {
	if text, ok := Number(raw); ok {
		*n = Name(text)
		return nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	if text == nil {
		return errors.New("got null, expected a name")
	}
	*n = Name(*text)
	return nil
}

// Number returns the text of a JSON value that is a whole number of at most 2^53, which every
// parser represents exactly. It must be written without fraction and exponent.
func Number(raw []byte) (text string, ok bool) {
	const exact = 1 << 53
	if len(raw) == 0 || raw[0] == '"' {
		return "", false // most names are strings, and the error of ParseInt is a copy of its text
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < -exact || n > exact || strconv.FormatInt(n, 10) != string(raw) {
		return "", false
	}
	return string(raw), true
}

// Names returns names as strings.
func Names(names []Name) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = string(name)
	}
	return all
}
