package disklog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// An entry is the stored form of a message: the version, flags, three times, and the texts and lists
// in the order of appendEntry, each with its length before it. Optional texts have their length plus
// one, so that 0 is nil. All numbers are uvarints.
const entryVersion = 1

const (
	flagBare = 1 << iota
	flagRetain
)

var errEntry = errors.New("damaged entry")

// appendEntry appends the stored form of a message. Its ID is the key.
func appendEntry(dst []byte, m *notify.Message, stored time.Time) []byte {
	flags := byte(0)
	if m.Bare {
		flags |= flagBare
	}
	if m.Retain {
		flags |= flagRetain
	}
	dst = append(dst, entryVersion, flags)
	dst = binary.AppendUvarint(dst, uint64(stored.UnixMilli()))
	dst = binary.AppendUvarint(dst, uint64(m.Timestamp.UnixMilli()))
	dst = binary.AppendUvarint(dst, uint64(m.TTL))
	dst = appendText(dst, m.Namespace)
	dst = appendText(dst, m.Type)
	dst = appendList(dst, m.Rooms)
	dst = appendList(dst, m.Except)
	for _, text := range [][]byte{m.Data, m.Metadata, m.Args, m.BinaryArgs} {
		if text == nil {
			dst = append(dst, 0)
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(len(text))+1)
		dst = append(dst, text...)
	}
	return appendList(dst, m.Attachments)
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

func appendList[T string | []byte](dst []byte, list []T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, text := range list {
		dst = appendText(dst, text)
	}
	return dst
}

// decodeEntry returns the message of an entry. It keeps nothing of b.
func decodeEntry(id notify.ID, b []byte) (*notify.Message, error) {
	if len(b) < 2 || b[0] != entryVersion {
		return nil, errEntry
	}
	d := decoder{rest: b[2:]}
	m := &notify.Message{ID: id, Bare: b[1]&flagBare != 0, Retain: b[1]&flagRetain != 0}
	m.Stored, m.Timestamp = d.time(), d.time()
	m.TTL = time.Duration(d.number())
	m.Namespace, m.Type = d.text(), d.text()
	m.Rooms, m.Except = list(&d, d.text), list(&d, d.text)
	m.Data, m.Metadata, m.Args, m.BinaryArgs = d.json(), d.json(), d.json(), d.json()
	m.Attachments = list(&d, func() []byte { return append([]byte{}, d.bytes()...) })
	if d.failed || len(d.rest) > 0 || len(m.Rooms) == 0 {
		return nil, errEntry
	}
	return m, nil
}

// decoder reads an entry. After the first error it returns zero values.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() {
	d.rest, d.failed = nil, true
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) time() time.Time { return time.UnixMilli(int64(d.number())).UTC() }

// take returns the next n bytes, which belong to the entry.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) bytes() []byte { return d.take(d.number()) }

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) json() json.RawMessage {
	n := d.number()
	if n == 0 {
		return nil
	}
	return append(json.RawMessage{}, d.take(n-1)...)
}

// list reads a list whose items take at least a byte each.
func list[T any](d *decoder, item func() T) []T {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.fail()
	}
	if n == 0 || d.failed {
		return nil
	}
	all := make([]T, 0, n)
	for range n {
		all = append(all, item())
	}
	return all
}
