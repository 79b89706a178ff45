package msgpack

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Limits bound the JSON of a value. Timestamps selects the dialect.
type Limits struct {
	Depth  int // levels of arrays and maps
	Values int // values, the value itself included
	Binary int // binary values
	Bytes  int // bytes of the JSON

	// Timestamps reads extensions of type -1 as a Date, as @msgpack/msgpack and notepack.io 3 do.
	Timestamps bool
}

// JSON returns the JSON of a value, with placeholders for its binary values, which it returns too.
// Raw has checked the value. The errors are ErrTooDeep, ErrTooMany, ErrTooLarge, ErrBinary, ErrKey
// and ErrText.
func JSON(value []byte, l Limits) (text []byte, attachments [][]byte, err error) {
	t := translation{r: NewReader(value), limits: l, out: make([]byte, 0, len(value)+len(value)/4+16)}
	t.value(t.r.header(), 0)
	t.count(0)
	if t.r.err != nil {
		return nil, nil, t.r.err
	}
	if t.r.Len() > 0 {
		return nil, nil, ErrType
	}
	return t.out, t.attachments, nil
}

// translation is one call of JSON.
type translation struct {
	r           *Reader
	limits      Limits
	values      int
	out         []byte
	attachments [][]byte
}

// value appends the value that begins with h.
func (t *translation) value(h header, depth int) {
	if t.count(1); t.r.err != nil {
		return
	}
	switch h.kind {
	case kindNil, kindUndefined:
		t.out = append(t.out, "null"...)
	case kindBool:
		t.out = strconv.AppendBool(t.out, h.n == 1)
	case kindUint:
		t.out = strconv.AppendUint(t.out, h.n, 10)
	case kindInt:
		t.out = strconv.AppendInt(t.out, int64(h.n), 10)
	case kindFloat:
		t.float(h)
	case kindString:
		t.text(h)
	case kindBinary:
		t.binary(t.r.take(h.n))
	case kindArray:
		t.array(h.n, depth+1)
	case kindMap:
		t.object(h.n, depth+1)
	case kindExt:
		t.extension(h, depth+1)
	}
}

// count counts values against the limits.
func (t *translation) count(n int) {
	t.values += n
	switch {
	case t.values > t.limits.Values:
		t.r.fail(ErrTooMany)
	case len(t.out) > t.limits.Bytes:
		t.r.fail(ErrTooLarge)
	}
}

func (t *translation) array(n uint64, depth int) {
	if depth > t.limits.Depth {
		t.r.fail(ErrTooDeep)
		return
	}
	t.out = append(t.out, '[')
	for i := uint64(0); i < n && t.r.err == nil; i++ {
		if i > 0 {
			t.out = append(t.out, ',')
		}
		t.value(t.r.header(), depth)
	}
	t.out = append(t.out, ']')
}

func (t *translation) object(n uint64, depth int) {
	if depth > t.limits.Depth {
		t.r.fail(ErrTooDeep)
		return
	}
	t.out = append(t.out, '{')
	first := true
	for i := uint64(0); i < n && t.r.err == nil; i++ {
		before := len(t.out)
		if !first {
			t.out = append(t.out, ',')
		}
		key := t.r.header()
		if key.kind != kindString {
			t.r.fail(ErrKey)
			return
		}
		t.text(key)
		t.out = append(t.out, ':')
		value := t.r.header()
		if value.kind == kindUndefined {
			t.out = t.out[:before]
			t.count(1)
			continue
		}
		t.value(value, depth)
		first = false
	}
	t.out = append(t.out, '}')
}

func (t *translation) text(h header) {
	text := t.r.take(h.n)
	if !utf8.Valid(text) {
		t.r.fail(ErrText)
		return
	}
	t.out = strictjson.AppendString(t.out, string(text))
}

func (t *translation) binary(data []byte) {
	if len(t.attachments) >= t.limits.Binary {
		t.r.fail(ErrBinary)
		return
	}
	t.out = append(t.out, placeholder...)
	t.out = strconv.AppendInt(t.out, int64(len(t.attachments)), 10)
	t.out = append(t.out, '}')
	t.attachments = append(t.attachments, data)
}

// placeholder is the text before the number of an attachment.
const placeholder = `{"_placeholder":true,"num":`

// float appends a number as encoding/json does. JSON has no infinity and no NaN.
func (t *translation) float(h header) {
	f := math.Float64frombits(h.n)
	if !h.wide {
		f = float64(math.Float32frombits(uint32(h.n)))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		t.out = append(t.out, "null"...)
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	t.out = strconv.AppendFloat(t.out, f, format, -1, 64)
}

// extension appends an extension. Type 0 with 8 bytes is a Date; notepack.io decodes all others as
// an array of the type and the bytes.
func (t *translation) extension(h header, depth int) {
	data := t.r.take(h.n)
	if t.r.err != nil {
		return
	}
	if h.ext == 0 && len(data) == 8 {
		t.date(int64(NewReader(data).uint(8)))
		return
	}
	if h.ext == -1 && t.limits.Timestamps {
		if ms, ok := timestamp(data); ok {
			t.date(ms)
			return
		}
	}
	if depth > t.limits.Depth {
		t.r.fail(ErrTooDeep)
		return
	}
	t.count(2)
	t.out = append(t.out, '[')
	t.out = strconv.AppendInt(t.out, int64(h.ext), 10)
	t.out = append(t.out, ',')
	t.binary(data)
	t.out = append(t.out, ']')
}

// maxDate is the latest time of a Date in JavaScript, in milliseconds.
const maxDate = 8_640_000_000_000_000

// date appends a time as Date.prototype.toJSON does. An invalid Date is null.
func (t *translation) date(ms int64) {
	if ms < -maxDate || ms > maxDate {
		t.out = append(t.out, "null"...)
		return
	}
	at := time.UnixMilli(ms).UTC()
	t.out = append(t.out, '"')
	if year := at.Year(); year >= 0 && year <= 9999 {
		t.out = fmt.Appendf(t.out, "%04d", year)
	} else {
		t.out = fmt.Appendf(t.out, "%+07d", year)
	}
	t.out = at.AppendFormat(t.out, "-01-02T15:04:05.000Z")
	t.out = append(t.out, '"')
}

// timestamp returns the milliseconds of a timestamp of the specification: seconds in 32 bits,
// nanoseconds and seconds in 30 and 34 bits, or nanoseconds in 32 bits and seconds in 64.
func timestamp(data []byte) (ms int64, ok bool) {
	r := NewReader(data)
	switch len(data) {
	case 4:
		return int64(r.uint(4)) * 1000, true
	case 8:
		n := r.uint(8)
		return int64(n&(1<<34-1))*1000 + int64(n>>34)/1e6, true
	case 12:
		nanoseconds, seconds := int64(r.uint(4)), int64(r.uint(8))
		if seconds < -maxDate/1000 || seconds > maxDate/1000 {
			return maxDate + 1, true // an invalid Date
		}
		return seconds*1000 + nanoseconds/1e6, true
	}
	return 0, false
}

// isPlaceholder reports whether JSON text begins with a placeholder, and returns its number and its
// length.
func isPlaceholder(text []byte) (num, size int, ok bool) {
	rest, found := bytes.CutPrefix(text, []byte(placeholder))
	digits := 0
	for found && digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits == len(rest) || rest[digits] != '}' {
		return 0, 0, false
	}
	num, err := strconv.Atoi(string(rest[:digits]))
	return num, len(placeholder) + digits + 1, err == nil
}
