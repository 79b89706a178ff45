package redisstream

import (
	"encoding/binary"
	"errors"

	"github.com/roomcast/roomcast/notify/cluster"
)

// A frame is a message between nodes:
//
//	1 byte   the version of the format, 1
//	1 byte   what it is
//	8 bytes  the number of the question, big endian; 0 in a tell
//	1 byte   the length of from, and from
//	1 byte   the length of kind, and kind
//	rest     the body
type frame struct {
	is   frameType
	id   uint64
	from string
	kind string
	body []byte
}

type frameType byte

const (
	isTell frameType = iota + 1
	isAsk
	isAnswer
	isUnknown // the answer of a node that does not know the kind, or has no answer that fits
)

const (
	frameVersion = 1
	frameHead    = 1 + 1 + 8
	maxFrame     = frameHead + 2*(1+255) + cluster.MaxBody
)

var errFrame = errors.New("a damaged message of another node")

// append appends the bytes of a frame. from and kind are short enough.
func (f frame) append(dst []byte) []byte {
	dst = append(dst, frameVersion, byte(f.is))
	dst = binary.BigEndian.AppendUint64(dst, f.id)
	dst = append(append(dst, byte(len(f.from))), f.from...)
	dst = append(append(dst, byte(len(f.kind))), f.kind...)
	return append(dst, f.body...)
}

// parseFrame reads a frame.
func parseFrame(text string) (f frame, err error) {
	if len(text) < frameHead || len(text) > maxFrame || text[0] != frameVersion {
		return frame{}, errFrame
	}
	f.is, f.id = frameType(text[1]), binary.BigEndian.Uint64([]byte(text[2:frameHead]))
	from, rest, ok1 := cutPrefixed(text[frameHead:])
	kind, rest, ok2 := cutPrefixed(rest)
	if !ok1 || !ok2 || f.is < isTell || f.is > isUnknown || len(kind) > cluster.MaxKind ||
		!uidPattern.MatchString(from) {
		return frame{}, errFrame
	}
	f.from, f.kind, f.body = from, kind, []byte(rest)
	return f, nil
}

// cutPrefixed splits a text behind its first part, whose length is the first byte.
func cutPrefixed(text string) (part, rest string, ok bool) {
	if len(text) == 0 || len(text) <= int(text[0]) {
		return "", "", false
	}
	n := int(text[0]) + 1
	return text[1:n], text[n:], true
}
