package notify

import (
	"bytes"
	"fmt"
	"strings"
)

// wire is a frame with the size of a transport's frame: an object, an inner object, and the encoded
// text.
type wire struct {
	*inner
	_, _ int
}

type inner struct {
	text []byte
	_    [40]byte
}

func (w *wire) Size() int { return len(w.text) }

// socketIO and eventSource encode m as the transports do.
func socketIO(m *Message) Frame {
	text := append([]byte("42"), m.Type...)
	if m.Args == nil {
		text = m.AppendJSON(text)
	} else if text = append(text, m.Args...); m.BinaryArgs != nil {
		text = append(append([]byte("42"), m.Type...), m.BinaryArgs...)
	}
	for _, a := range m.Attachments {
		text = append(text, a...)
	}
	return &wire{inner: &inner{text: bytes.Clone(text)}}
}

func eventSource(m *Message) Frame {
	text := append([]byte("id: 5f3a9c01-1042\nevent: "), m.Type...)
	text = append(text, "\ndata: "...)
	return &wire{inner: &inner{text: append(text,
		bytes.ReplaceAll(m.AppendJSON(nil), []byte("\n"), []byte("\ndata: "))...)}}
}

// long returns a name of n bytes, different for each i. It takes the most space in JSON that a name
// can.
func long(i, n int) string {
	s := fmt.Sprint(i)
	return s + strings.Repeat(`"`, n-len(s))
}

func many(n int, name func(int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = name(i)
	}
	return all
}
