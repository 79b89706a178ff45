package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// readFile reads the file named by --config, once.
func (l *loader) readFile(ctx *kong.Context) {
	if l.fileRead {
		return
	}
	l.fileRead = true
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			l.fileName, _ = ctx.FlagValue(p.Flag).(string)
		}
	}
	if l.fileName == "" {
		return
	}
	text, err := l.readAll(l.fileName)
	if err != nil {
		l.fail("--config: %s", err)
		return
	}
	values, err := object(text)
	if err != nil {
		l.fail("--config: %s is not one JSON object: %s", l.fileName, err)
		return
	}
	l.fileValues = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		l.takeFromFile(key, values[key])
	}
}

// object decodes one JSON object. Its errors name the line.
func object(text []byte) (values map[string]any, err error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&values)
	var syntax *json.SyntaxError
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return nil, fmt.Errorf("line %d: %w", line, err)
	case errors.As(err, &other):
		return nil, fmt.Errorf("got %s", other.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the end is missing")
	case err != nil:
		return nil, err
	case values == nil:
		return nil, errors.New("got null")
	}
	if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
		return nil, errors.New("data after the object")
	}
	_, err = strictjson.Check(text, strictjson.Rules{}) // the decoder takes the last of two equal keys
	return values, err
}

// takeFromFile stores one setting of the file.
func (l *loader) takeFromFile(key string, value any) {
	i := slices.IndexFunc(fields(), func(s Setting) bool { return s.Name == key || s.Env == key })
	if i < 0 {
		l.fail("%s in %s: unknown setting", key, l.fileName)
		return
	}
	name := fields()[i].Name
	if _, twice := l.fileValues[name]; twice {
		l.fail("duplicate %s in %s, allowed: once, as %s or %s", key, l.fileName, name,
			fields()[i].Env)
		return
	}
	text, ok := plain(value)
	if !ok {
		l.fail("%s in %s: allowed: a string, a number, true, false or "+
			"an array of strings without commas", key, l.fileName)
		return
	}
	l.fileValues[name] = text
}

// plain converts a JSON value to the text that a variable would hold.
func plain(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	case []any:
		var list []string
		for _, item := range v {
			s, ok := plain(item)
			if _, nested := item.([]any); !ok || nested || strings.Contains(s, ",") {
				return "", false
			}
			list = append(list, s)
		}
		return strings.Join(list, ","), true
	}
	return "", false
}
