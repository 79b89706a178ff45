package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// maxFile is the maximum size of a settings file and of a secret file.
const maxFile = 1 << 20

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
	text, err := readAll(l.fileName)
	if err != nil {
		l.fail("--config: %s", err)
		return
	}
	values := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&values)
	if _, more := decoder.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("data after the object")
	}
	if err != nil {
		l.fail("--config: %s is not one JSON object: %s", l.fileName, err)
		return
	}
	l.fileValues = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		l.takeFromFile(key, values[key])
	}
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

// readAll reads a file of at most maxFile bytes. Its errors name the file.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return data, err
}
