package pywire

import (
	"strconv"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// packet returns the packet of an event.
func packet(event string, args []*value) (nodewire.Value, error) {
	w := writer{out: strictjson.AppendString([]byte{'['}, event)}
	for _, arg := range args {
		w.out = append(w.out, ',')
		w.value(arg, 0)
	}
	w.out = append(w.out, ']')
	w.fits(0) // escapes make a text longer
	return nodewire.Value{JSON: w.out, Attachments: w.attachments}, w.err
}

// writer writes values as JSON. Its methods do nothing after an error.
type writer struct {
	out          []byte
	attachments  [][]byte
	values, size int // the size is that of the attachments
	err          error
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = skip("data", format, args...)
	}
}

// count counts a value of some bytes.
func (w *writer) count(size int) {
	if w.values++; w.values > maxValues && w.err == nil {
		w.err = tooMany("data")
	}
	w.fits(size)
}

// fits checks that there is space for some bytes more.
func (w *writer) fits(size int) {
	if len(w.out)+w.size+size > nodewire.MaxPayload {
		w.fail("takes more than %d bytes", nodewire.MaxPayload)
	}
}

// value appends a value that is in a number of lists and dicts.
func (w *writer) value(v *value, depth int) {
	if w.count(len(v.raw)); w.err != nil {
		return
	}
	switch v.kind {
	case kindNone:
		w.out = append(w.out, "null"...)
	case kindBool, kindInt, kindFloat:
		w.out = append(w.out, v.raw...)
	case kindText:
		w.text(v.raw)
	case kindBytes:
		w.bytes(v.raw)
	default:
		w.container(v, depth+1)
	}
}

func (w *writer) container(v *value, depth int) {
	if depth > notify.MaxDepth {
		w.fail("is nested more than %d levels deep", notify.MaxDepth)
		return
	}
	brackets := "[]"
	if v.kind == kindDict {
		brackets = "{}"
	}
	w.out = append(w.out, brackets[0])
	for i, item := range v.items {
		switch {
		case w.err != nil:
			return
		case v.kind == kindDict && i%2 > 0:
			w.out = append(w.out, ':')
		case i > 0:
			w.out = append(w.out, ',')
		}
		if v.kind == kindDict && i%2 == 0 {
			w.key(item)
		} else {
			w.value(item, depth)
		}
	}
	w.out = append(w.out, brackets[1])
}

// key appends the key of a dict, as json.dumps does.
func (w *writer) key(v *value) {
	switch v.kind {
	case kindText, kindInt, kindBool:
		w.text(v.raw)
	case kindNone:
		w.text([]byte("null"))
	default:
		w.fail("has %s as the key of a dict, expected a string", v.describe())
	}
}

func (w *writer) text(raw []byte) {
	if w.fits(len(raw)); w.err == nil {
		w.out = strictjson.AppendString(w.out, string(raw))
	}
}

// bytes appends the placeholder of a binary value.
func (w *writer) bytes(raw []byte) {
	if len(w.attachments) == notify.MaxBinary {
		w.fail("has more than %d binary values", notify.MaxBinary)
		return
	}
	w.out = append(w.out, `{"_placeholder":true,"num":`...)
	w.out = append(strconv.AppendInt(w.out, int64(len(w.attachments)), 10), '}')
	w.attachments = append(w.attachments, raw)
	w.size += len(raw)
}
