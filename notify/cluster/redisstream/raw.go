package redisstream

import (
	"bytes"
	"context"
	"hash/maphash"
	"io"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// A reply of XREAD is read as it is on the wire, in memory that is used again. go-redis would make a
// value of each name and text, and of its own entries a node needs the id and the field rc. The reply is
// *-1 if nothing is new, or else
//
//	*1 [ *2 [ $stream *n [ *2 [ $id *2k [ $name $value … ] ] … ] ] ]
//
// where *n and $n are lines with the number of elements, or of bytes, that follow.

const (
	crlf       = "\r\n"
	nothingNew = "*-1" + crlf
	// maxLine is the longest line of a number, minEntry the shortest entry.
	maxLine  = len("$9223372036854775807" + crlf)
	minEntry = len("*2" + crlf + "$3" + crlf + "0-1" + crlf + "*0" + crlf)
	// keptReply is the largest memory of a reply that is used again.
	keptReply = 1 << 20
)

// rawCommand is a command whose reply stays as it is on the wire.
type rawCommand struct {
	*redis.RawWriteToCmd
	reply rawReply
}

func newRawCommand(ctx context.Context, memory []byte, args ...any) *rawCommand {
	c := &rawCommand{}
	c.reply.reset(memory)
	c.RawWriteToCmd = redis.NewRawWriteToCmd(ctx, &c.reply, args...)
	return c
}

// Err implements redis.Cmder. go-redis does not look whether the reply is an error.
func (c *rawCommand) Err() error {
	if err := c.RawWriteToCmd.Err(); err != nil {
		return err
	}
	return c.reply.err()
}

// rawReply gets a reply from go-redis, and is read from its beginning.
type rawReply struct{ rest []byte }

// reset makes place for a reply in memory of the last one.
func (r *rawReply) reset(memory []byte) {
	if r.rest = memory[:0]; cap(memory) > keptReply {
		r.rest = nil
	}
}

// Write implements io.Writer. A reply replaces an error before it: the command was sent again.
func (r *rawReply) Write(p []byte) (int, error) {
	if r.isError() && bytes.HasSuffix(r.rest, []byte(crlf)) {
		r.rest = r.rest[:0]
	}
	r.rest = append(r.rest, p...)
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom, so that io.CopyN needs no buffer.
func (r *rawReply) ReadFrom(from io.Reader) (int64, error) {
	at := len(r.rest)
	limited, ok := from.(*io.LimitedReader)
	if !ok {
		text, err := io.ReadAll(from)
		r.rest = append(r.rest, text...)
		return int64(len(text)), err
	}
	r.rest = slices.Grow(r.rest, int(limited.N))[:at+int(limited.N)]
	n, err := io.ReadFull(limited.R, r.rest[at:])
	r.rest = r.rest[:at+n]
	limited.N -= int64(n)
	return int64(n), err
}

func (r *rawReply) isError() bool { return len(r.rest) > 0 && r.rest[0] == '-' }

// err returns the error that a reply is, or nil.
func (r *rawReply) err() error {
	if r.isError() {
		return replyError(bytes.TrimSuffix(r.rest[1:], []byte(crlf)))
	}
	return nil
}

// replyError is an error that the server replies to a command whose reply go-redis does not read.
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (replyError) RedisError() {}

// page reads the reply of XREAD for one stream. The entries share its memory.
func (r *rawReply) page() ([]entry, error) {
	if string(r.rest) == nothingNew {
		return nil, nil
	}
	streams, pair, name, n := r.count('*'), r.count('*'), r.text(), r.count('*')
	if streams != 1 || pair != 2 || len(name) == 0 || n < 0 || n > len(r.rest)/minEntry {
		return nil, errReply
	}
	entries := make([]entry, n)
	for i := range entries {
		if !r.entry(&entries[i]) {
			return nil, errReply
		}
	}
	if len(r.rest) > 0 {
		return nil, errReply
	}
	return entries, nil
}

// entry reads an entry, or reports false.
func (r *rawReply) entry(e *entry) bool {
	pair := r.count('*')
	var ok bool
	e.id, ok = parseID(string(r.text()))
	return pair == 2 && ok && r.fields(e, r.count('*'))
}

// fields reads n fields and values of an entry, or reports false.
func (r *rawReply) fields(e *entry, n int) bool {
	if n < 0 || n%2 != 0 {
		return false
	}
	from := r.rest
	for range n / 2 {
		name, value := r.text(), r.text()
		if name == nil || value == nil {
			return false
		}
		e.size += len(name) + len(value)
		switch string(name) {
		case "uid":
			e.uid = value
		case "rc":
			e.rc = value
		}
	}
	e.raw = from[:len(from)-len(r.rest)]
	e.hash = maphash.Bytes(hashSeed, e.raw)
	return true
}

// fields returns the fields of an entry, in memory of their own.
func (e *entry) fields() (f nodewire.Fields) {
	for r := (rawReply{e.raw}); len(r.rest) > 0; {
		name, value := r.text(), r.text()
		f.Set(string(name), string(value))
	}
	return f
}

// count reads a line with a number of elements or bytes, or returns -1.
func (r *rawReply) count(kind byte) int {
	line := r.rest[:min(len(r.rest), maxLine)]
	end := bytes.IndexByte(line, '\n') - 1
	if end < 2 || line[0] != kind || line[end] != '\r' {
		return -1
	}
	n, err := strconv.ParseUint(string(line[1:end]), 10, 62)
	if err != nil || line[1] == '0' && end > 2 {
		return -1
	}
	r.rest = r.rest[end+len(crlf):]
	return int(n)
}

// text reads a text with its length, or returns nil.
func (r *rawReply) text() []byte {
	n := r.count('$')
	if n < 0 || n > len(r.rest)-len(crlf) || string(r.rest[n:n+len(crlf)]) != crlf {
		return nil
	}
	text := r.rest[:n:n]
	r.rest = r.rest[n+len(crlf):]
	return text
}
