package nodewire

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

var placeholderKey = []byte(`"_placeholder"`)

// numbered reports whether the placeholders in a text are those of n binary values in their order.
// An object that only looks like a placeholder would get the binary value of another place, or
// none.
func numbered(text []byte, n int) bool {
	want := make([]byte, 0, 40)
	for i := 0; ; {
		at := bytes.Index(text, placeholderKey)
		if at < 0 {
			return i == n
		}
		rest := text[at+len(placeholderKey):]
		if key := bytes.TrimLeft(rest, " \t\r\n"); len(key) > 0 && key[0] == ':' {
			want = appendPlaceholder(want[:0], i)
			if i == n || at == 0 || !bytes.HasPrefix(text[at-1:], want) {
				return false
			}
			i++
		}
		text = rest
	}
}

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}

// fill appends a text with binary values in their places, where numbered has found them.
func fill(dst, text []byte, attachments [][]byte, put func(dst, attachment []byte) []byte) []byte {
	for i, a := range attachments {
		before, after, _ := bytes.Cut(text, appendPlaceholder(nil, i))
		dst = put(append(dst, before...), a)
		text = after
	}
	return append(dst, text...)
}

// appendBase64 appends a binary value as EventSource gets it.
func appendBase64(dst, attachment []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), attachment)
	return append(dst, '"')
}

// appendBuffer appends a binary value as JSON.stringify writes a Buffer of Node.
func appendBuffer(dst, attachment []byte) []byte {
	dst = append(dst, `{"type":"Buffer","data":[`...)
	for i, b := range attachment {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(b), 10)
	}
	return append(dst, `]}`...)
}

// bufferSize returns how much appendBuffer appends, at most.
func bufferSize(attachment []byte) int {
	n := len(`{"type":"Buffer","data":[]}`)
	for _, b := range attachment {
		switch {
		case b < 10:
			n += len("0,")
		case b < 100:
			n += len("00,")
		default:
			n += len("000,")
		}
	}
	return n
}
