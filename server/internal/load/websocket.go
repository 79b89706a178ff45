//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// WebSocket is a protocol of text messages over RFC 6455, described by how its messages begin.
type WebSocket struct {
	Path    string   // of the request, with its query
	Hello   string   // is sent first, unless it is empty
	Answers []Answer // of messages that the client answers
	Joined  string   // begins the message that says the client is in the room
	// Mark is in each notification once, and in no other message. One message may hold several
	// notifications.
	Mark byte
}

// Answer is a message that a client sends when it receives one that begins with Message. %d in Text
// becomes the client's number.
type Answer struct{ Message, Text string }

const upgrade = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: roomcast-bench\r\n" +
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: cm9vbWNhc3QtYmVuY2gtMQ==\r\n\r\n"

func (w *WebSocket) request(host string, _ int) []byte {
	return fmt.Appendf(nil, upgrade, w.Path, host)
}

// Opcodes of RFC 6455, section 5.2. A server sends them unmasked, here with FIN set.
const (
	finText  = 0x81
	finClose = 0x88
	finPing  = 0x89
	finPong  = 0x8a
)

func (w *WebSocket) feed(f *Fleet, c *client, data []byte) error {
	if c.state == waiting {
		body, err := skipHead(data, "101")
		if err != nil {
			return err
		}
		if body == nil {
			c.keep(data)
			return nil
		}
		c.state, data = open, body
		if w.Hello != "" {
			if err := f.send(c, frame(finText, []byte(w.Hello))); err != nil {
				return err
			}
		}
	}
	for {
		first, payload, rest, ok := nextFrame(data)
		if !ok {
			c.keep(data)
			return nil
		}
		if err := w.take(f, c, first, payload); err != nil {
			return err
		}
		data = rest
	}
}

// take handles one frame.
func (w *WebSocket) take(f *Fleet, c *client, first byte, payload []byte) error {
	switch first {
	case finText:
	case finPing:
		return f.send(c, frame(finPong, payload))
	case finPong:
		return nil
	case finClose:
		return fmt.Errorf("closed by the server: %q", payload)
	default:
		return fmt.Errorf("unexpected frame %#x of %d bytes", first, len(payload))
	}
	if n := bytes.Count(payload, []byte{w.Mark}); n > 0 {
		f.delivered += int64(n)
		return nil
	}
	if c.state == open && begins(payload, w.Joined) {
		f.enter(c)
		return nil
	}
	for _, answer := range w.Answers {
		if begins(payload, answer.Message) {
			text := strings.ReplaceAll(answer.Text, "%d", fmt.Sprint(c.number))
			return f.send(c, frame(finText, []byte(text)))
		}
	}
	if c.state == open {
		return fmt.Errorf("unexpected message %q", payload[:min(len(payload), 200)])
	}
	return nil
}

// nextFrame splits the first frame off, unless it is incomplete. first is the byte of FIN and
// opcode.
func nextFrame(data []byte) (first byte, payload, rest []byte, ok bool) {
	if len(data) < 2 {
		return 0, nil, data, false
	}
	size, head := uint64(data[1]&0x7f), 2
	switch {
	case size == 126 && len(data) >= 4:
		size, head = uint64(binary.BigEndian.Uint16(data[2:])), 4
	case size == 127 && len(data) >= 10:
		size, head = binary.BigEndian.Uint64(data[2:]), 10
	case size >= 126:
		return 0, nil, data, false
	}
	if uint64(len(data)-head) < size {
		return 0, nil, data, false
	}
	end := head + int(size)
	return data[0], data[head:end], data[end:], true
}

// frame makes a frame of a client with less than 126 bytes. The key of its mask is zero, which
// leaves the bytes as they are.
func frame(first byte, payload []byte) []byte {
	if len(payload) > 125 {
		panic(fmt.Sprintf("a client sends %d bytes", len(payload)))
	}
	return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// begins reports whether message begins with start.
func begins(message []byte, start string) bool {
	return len(message) >= len(start) && string(message[:len(start)]) == start
}

// skipHead returns the bytes after the head of an HTTP/1.1 response, nil while the head is
// incomplete, and an error for another status than wanted.
func skipHead(data []byte, status string) ([]byte, error) {
	head, body, complete := bytes.Cut(data, []byte("\r\n\r\n"))
	if !complete {
		return nil, nil
	}
	if !begins(head, "HTTP/1.1 "+status) {
		return nil, fmt.Errorf("got %q, want HTTP/1.1 %s", data[:min(len(data), 300)], status)
	}
	return body, nil
}
