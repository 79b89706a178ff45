package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// SplitArgs are the arguments of an emit in their forms for the transports. Without binary values
// both are the text that was split.
type SplitArgs struct {
	Inline       json.RawMessage // binary values as base64 strings
	Placeholders json.RawMessage // binary values as {"_placeholder":true,"num":i}
	Attachments  [][]byte
}

var (
	binaryKey      = []byte(`"$binary"`)
	placeholderKey = []byte(`"_placeholder"`)
)

// argsRules are the rules for arguments, which are one level below their array.
var argsRules = strictjson.Rules{Depth: MaxDepth + 1}

// SplitBinary checks the arguments of an emit, an array of JSON or nil, and replaces the objects
// {"$binary":"<base64>"} in it. All other text stays as it is. The result keeps the memory of args.
// The error is a *ValidationError for the field "args".
func SplitBinary(args json.RawMessage) (s SplitArgs, err error) {
	if len(args) == 0 {
		args = json.RawMessage("[]")
	}
	switch {
	case strictjson.KindOf(args) != strictjson.Array:
		return s, refuse("args", "is not an array, expected an array of the arguments")
	case len(args) > MaxArgs:
		return s, refuse("args", "is %d bytes long, expected at most %d", len(args), MaxArgs)
	}
	if _, err := strictjson.Check(args, argsRules); err != nil {
		return s, invalidJSON("args", err)
	}
	args = bytes.TrimSpace(args)
	copied := 0 // bytes of args that are in s
	for at := 0; ; {
		value, found := nextBinary(args, at)
		if !found {
			break
		}
		at = value.end
		data, err := value.decode()
		switch n := len(s.Attachments); {
		case n == MaxBinary:
			return s, refuse("args", "has more than %d binary values", MaxBinary)
		case err != nil:
			return s, refuse("args", "has a binary value %d that is not base64: %v", n, err)
		}
		s.Inline = append(append(s.Inline, args[copied:value.start]...), value.quoted...)
		s.Placeholders = append(s.Placeholders, args[copied:value.start]...)
		s.Placeholders = append(s.Placeholders, `{"_placeholder":true,"num":`...)
		s.Placeholders = strconv.AppendInt(s.Placeholders, int64(len(s.Attachments)), 10)
		s.Placeholders = append(s.Placeholders, '}')
		s.Attachments = append(s.Attachments, data)
		copied = value.end
	}
	if len(s.Attachments) == 0 {
		return SplitArgs{Inline: args, Placeholders: args}, nil
	}
	if hasPlaceholder(args) {
		return s, refuse("args",
			`has a member "_placeholder", which Socket.IO reserves next to binary values`)
	}
	s.Inline = append(s.Inline, args[copied:]...)
	s.Placeholders = append(s.Placeholders, args[copied:]...)
	return s, nil
}

// hasPlaceholder reports whether an object in valid JSON has a member "_placeholder", also one that is
// written with escapes: a Socket.IO client would take it for the place of an attachment.
func hasPlaceholder(text []byte) bool {
	var v any
	_ = json.Unmarshal(text, &v)
	var find func(v any) bool
	find = func(v any) bool {
		switch v := v.(type) {
		case []any:
			return slices.ContainsFunc(v, find)
		case map[string]any:
			for key, value := range v {
				if key == "_placeholder" || find(value) {
					return true
				}
			}
		}
		return false
	}
	return find(v)
}

// binaryValue is an object {"$binary":"…"} in a text.
type binaryValue struct {
	start, end int
	quoted     []byte // the string
}

func (v binaryValue) decode() ([]byte, error) {
	text := string(v.quoted[1 : len(v.quoted)-1])
	if bytes.IndexByte(v.quoted, '\\') >= 0 { // some encoders escape slashes
		if err := json.Unmarshal(v.quoted, &text); err != nil {
			return nil, err
		}
	}
	return base64.StdEncoding.DecodeString(text)
}

// nextBinary returns the next object {"$binary":"…"} at or after an index of valid JSON. Objects
// with other members or another value are not binary values. The text is in no string: quotes in a
// string are escaped, and a string that ends before the key leaves no valid JSON.
func nextBinary(text []byte, from int) (v binaryValue, found bool) {
	for {
		at := bytes.Index(text[from:], binaryKey)
		if at < 0 {
			return v, false
		}
		at += from
		from = at + len(binaryKey)
		before := bytes.TrimRight(text[:at], " \t\r\n")
		if !bytes.HasSuffix(before, []byte{'{'}) {
			continue
		}
		rest, ok := bytes.CutPrefix(trimSpace(text[from:]), []byte{':'})
		if rest = trimSpace(rest); !ok || rest[0] != '"' {
			continue
		}
		end := strictjson.StringEnd(rest, 0)
		after := trimSpace(rest[end:])
		if after[0] != '}' {
			continue
		}
		return binaryValue{len(before) - 1, len(text) - len(after) + 1, rest[:end]}, true
	}
}

func trimSpace(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// placeholderForm matches a placeholder at the start of a text.
var placeholderForm = regexp.MustCompile(`^\{\s*(?:"_placeholder"\s*:\s*true\s*,\s*"num"\s*:\s*(\d+)` +
	`|"num"\s*:\s*(\d+)\s*,\s*"_placeholder"\s*:\s*true)\s*\}`)

// JoinBinary is the inverse of SplitBinary for what a client sent: it replaces the placeholder of
// each attachment by {"$binary":"<base64>"}. value is valid JSON.
func JoinBinary(value json.RawMessage, attachments [][]byte) json.RawMessage {
	if len(attachments) == 0 {
		return value
	}
	var joined json.RawMessage
	copied := 0
	for from := 0; ; {
		at := bytes.Index(value[from:], placeholderKey)
		if at < 0 {
			return append(joined, value[copied:]...)
		}
		at += from
		from = at + len(placeholderKey)
		const most = 64 // bytes of a placeholder; it has few more than its members
		start := max(copied, at-most)
		if start += bytes.LastIndexByte(value[start:at], '{'); start < copied || value[start] != '{' {
			continue
		}
		form := placeholderForm.FindSubmatch(value[start:min(len(value), at+most)])
		if form == nil {
			continue
		}
		num, err := strconv.Atoi(string(form[1]) + string(form[2]))
		if err != nil || num >= len(attachments) {
			continue
		}
		joined = append(append(joined, value[copied:start]...), `{"$binary":"`...)
		joined = base64.StdEncoding.AppendEncode(joined, attachments[num])
		joined = append(joined, `"}`...)
		copied = start + len(form[0])
		from = copied
	}
}
