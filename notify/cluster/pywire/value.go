package pywire

import (
	"fmt"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// maxValues is how many values a message may have, those that occur twice counted twice. A packet
// of a client of socket.io on Node may have as many.
const maxValues = 1 << 16

// kind is the type of a value in Python.
type kind uint8

const (
	kindMark kind = iota // no value: where the elements of a list, tuple or dict begin on the stack
	kindNone
	kindBool
	kindInt
	kindFloat
	kindText
	kindBytes
	kindList
	kindTuple
	kindDict
)

var kindNames = [...]string{
	kindNone: "None", kindBool: "a bool", kindInt: "an integer", kindFloat: "a float",
	kindText: "a string", kindBytes: "bytes", kindList: "a list", kindTuple: "a tuple",
	kindDict: "a dict",
}

// value is a value of Python. A pickle can have the same one in several places, also inside itself.
type value struct {
	kind  kind
	raw   []byte   // of a text or bytes; the JSON of a bool or number
	items []*value // the elements of a list or tuple; the keys of a dict, each before its value
}

// get returns the last value of a key of a dict, or nil.
func (v *value) get(key string) *value {
	for i := len(v.items) - 2; i >= 0; i -= 2 {
		if k := v.items[i]; k.kind == kindText && string(k.raw) == key {
			return v.items[i+1]
		}
	}
	return nil
}

func (v *value) isMark() bool { return v.kind == kindMark }

func (v *value) isText() bool { return v != nil && v.kind == kindText }

// isNone reports whether a value is missing, or None.
func (v *value) isNone() bool { return v == nil || v.kind == kindNone }

func (v *value) describe() string {
	if v == nil {
		return "missing"
	}
	return kindNames[v.kind]
}

// skip returns the error for a damaged message. Its text has nothing of the message, because it is
// logged.
func skip(field, format string, args ...any) error {
	return &nodewire.SkipError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func tooMany(field string) error { return skip(field, "has more than %d values", maxValues) }
