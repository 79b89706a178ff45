package msgpack

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// AppendJSON appends the value of valid JSON text, with attachments in place of the placeholders.
// Numbers are integers where JSON has no fraction and no exponent, else floats.
func AppendJSON(dst, text []byte, attachments [][]byte) []byte {
	w := writer{out: dst, text: text, attachments: attachments}
	w.value(w.space(0))
	return w.out
}

// writer is one call of AppendJSON. Its methods take the index of a value and return the index after
// it.
type writer struct {
	out, text   []byte
	attachments [][]byte
}

func (w *writer) space(i int) int {
	for i < len(w.text) && (w.text[i] == ' ' || w.text[i] == '\t' || w.text[i] == '\n' || w.text[i] == '\r') {
		i++
	}
	return i
}

func (w *writer) value(i int) int {
	switch w.text[i] {
	case '{':
		if num, size, ok := isPlaceholder(w.text[i:]); ok && num < len(w.attachments) {
			w.out = AppendBinary(w.out, w.attachments[num])
			return i + size
		}
		return w.container(i, true)
	case '[':
		return w.container(i, false)
	case '"':
		return w.string(i)
	case 'n':
		w.out = append(w.out, codeNil)
		return i + len("null")
	case 't':
		w.out = append(w.out, codeTrue)
		return i + len("true")
	case 'f':
		w.out = append(w.out, codeFalse)
		return i + len("false")
	}
	return w.number(i)
}

// container writes an object or an array. Its length is known at its end, so the header, which is
// longer for more than 15 elements, is corrected there.
func (w *writer) container(i int, object bool) int {
	at, n := len(w.out), 0
	w.out = append(w.out, 0)
	i = w.space(i + 1)
	for w.text[i] != ']' && w.text[i] != '}' {
		if object {
			i = w.space(w.space(w.string(i)) + 1) // the colon
		}
		i = w.space(w.value(i))
		if n++; w.text[i] == ',' {
			i = w.space(i + 1)
		}
	}
	short, long := byte(fixArray), byte(codeArray16)
	if object {
		short, long = fixMap, codeMap16
	}
	switch {
	case n < 16:
		w.out[at] = short | byte(n)
	case n < 1<<16:
		w.insert(at+1, 2)
		w.out[at] = long
		binary.BigEndian.PutUint16(w.out[at+1:], uint16(n))
	default:
		w.insert(at+1, 4)
		w.out[at] = long + 1
		binary.BigEndian.PutUint32(w.out[at+1:], uint32(n))
	}
	return i + 1
}

// insert makes space for n bytes.
func (w *writer) insert(at, n int) {
	w.out = append(w.out, make([]byte, n)...)
	copy(w.out[at+n:], w.out[at:])
}

func (w *writer) string(i int) int {
	end := strictjson.StringEnd(w.text, i)
	content := w.text[i+1 : end-1]
	if bytes.IndexByte(content, '\\') >= 0 {
		var s string
		_ = json.Unmarshal(w.text[i:end], &s) // the text is valid
		content = []byte(s)
	}
	w.out = AppendString(w.out, content)
	return end
}

func (w *writer) number(i int) int {
	end, whole := i, true
	for ; end < len(w.text); end++ {
		switch c := w.text[end]; {
		case c == '-', c >= '0' && c <= '9':
			continue
		case c == '.', c == 'e', c == 'E', c == '+':
			whole = false
			continue
		}
		break
	}
	literal := string(w.text[i:end])
	if whole {
		if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
			w.out = AppendInt(w.out, n)
			return end
		}
		if n, err := strconv.ParseUint(literal, 10, 64); err == nil {
			w.out = AppendUint(w.out, n)
			return end
		}
	}
	f, _ := strconv.ParseFloat(literal, 64) // out of range: infinity, as in JavaScript
	w.out = append(w.out, codeFloat64)
	w.out = binary.BigEndian.AppendUint64(w.out, math.Float64bits(f))
	return end
}

// AppendString appends a string.
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	if n := len(s); n < 32 {
		dst = append(dst, fixStr|byte(n))
	} else {
		dst = appendLength(dst, codeStr8, n)
	}
	return append(dst, s...)
}

// AppendBinary appends a binary value.
func AppendBinary(dst, data []byte) []byte {
	return append(appendLength(dst, codeBin8, len(data)), data...)
}

// appendLength appends a length of 1, 2 or 4 bytes after one of three codes.
func appendLength(dst []byte, code byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(dst, code, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, code+1), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, code+2), uint32(n))
}

// AppendMap appends the header of a map with at most 15 members.
func AppendMap(dst []byte, members int) []byte { return append(dst, fixMap|byte(members)) }

// AppendUint appends an integer in the shortest form.
func AppendUint(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<8:
		return append(dst, codeUint8, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, codeUint16), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, codeUint32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeUint64), n)
}

// AppendInt appends an integer in the shortest form.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return AppendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, codeInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, codeInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, codeInt32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeInt64), uint64(n))
}
