package socketio

import (
	"bytes"
	"encoding/json"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// messageFrame is the Socket.IO form of a message, encoded once and shared by all members that get
// it.
type messageFrame struct {
	*engineio.Frame
	header int // bytes before the event's name
	rest   int // index of the byte after the event's name
}

// messageFrameOf returns the shared frame of m and builds it at the first call.
func (s *Server) messageFrameOf(m *notify.Message) *messageFrame {
	return m.Frame(notify.SocketIO, s.buildFrame).(*messageFrame)
}

func (s *Server) buildFrame(m *notify.Message) notify.Frame {
	kind, args := byte(kindEvent), m.Args
	if len(m.Attachments) > 0 {
		kind, args = kindBinaryEvent, m.BinaryArgs
	}
	text := make([]byte, 0, len(args)+len(m.Data)+len(m.Metadata)+len(m.Type)+160)
	text = appendHeader(text, kind, len(m.Attachments), m.Namespace, nil)
	text = append(text, '[')
	f := &messageFrame{header: len(text)}
	text = append(text, quote(m.Type)...)
	f.rest = len(text)
	if m.Args == nil {
		text = append(text, ',')
		text = m.AppendJSON(text)
	} else {
		text = appendArgs(text, args)
	}
	if s.opts.recovery() {
		text = appendTrailer(text, m.ID)
	} else {
		text = append(text, ']')
	}
	f.Frame = s.newFrame(text, m.Attachments...)
	if s.opts.Parser == ParserMsgpack {
		f.header, f.rest = nameInMsgpack(f.Binary(0), m.Namespace, m.Type)
	}
	return f
}

// buildOpen encodes a retained notification without its end, which has the cursor of each client.
func buildOpen(m *notify.Message) notify.Frame {
	f := &messageFrame{}
	text := make([]byte, 0, len(m.Data)+len(m.Metadata)+2*len(m.Type)+160)
	text = append(appendHeader(text, kindEvent, 0, m.Namespace, nil), '[')
	f.header = len(text)
	text = append(text, quote(m.Type)...)
	f.rest = len(text)
	f.Frame = engineio.NewFrame(m.AppendJSON(append(text, ',')))
	return f
}

// appendArgs appends the elements of an array after the name of an event.
func appendArgs(dst, array []byte) []byte {
	if inner := bytes.TrimSpace(array[1 : len(array)-1]); len(inner) > 0 {
		dst = append(append(dst, ','), inner...)
	}
	return dst
}

// render appends a delivery to the batch. Notifications have the names that the client asked for
// with `as`; events of Go code keep their names.
func (c *Conn) render(b *engineio.Batch, d notify.Delivery) {
	switch {
	case d.Message != nil:
		if at := d.Message.Accepted(); at.After(c.member.ConnectedAt()) { // not a replay
			b.Since(at)
		}
		if t := d.Message.Trace; t != nil && t.Follows(c.member) {
			b.Watch(t.Written)
		}
		f := c.client.srv.messageFrameOf(d.Message)
		if c.target {
			c.renderTargeted(b, f, d.Message)
			return
		}
		if d.Message.Args != nil || len(c.as) == 0 {
			b.Frame(f.Frame)
			return
		}
		for _, name := range c.as {
			if name == nil {
				b.Frame(f.Frame)
				continue
			}
			c.client.srv.writeRenamed(b, f, name)
		}
	case d.Retained != nil:
		c.renderRetained(b, d.Retained)
	case d.Gap != nil:
		c.client.srv.log.Debug("gap", zap.String("client", c.member.ClientID()),
			zap.String("namespace", c.namespace), zap.String("reason", d.Gap.Reason),
			zap.String("from", d.Gap.From), zap.String("to", d.Gap.To))
		c.renderControl(b, "gap", d.Gap.ID, struct {
			Type string `json:"type"`
			*notify.Gap
		}{"gap", d.Gap})
	case d.Recovery != nil:
		c.client.srv.log.Debug("replayed", zap.String("client", c.member.ClientID()),
			zap.String("namespace", c.namespace), zap.Int("notifications", d.Recovery.Replayed),
			zap.Bool("recovered", d.Recovery.Recovered),
			zap.String("from", d.Recovery.From), zap.String("to", d.Recovery.To))
		c.renderControl(b, "recovery", c.member.Cursor(), struct {
			Type string `json:"type"`
			*notify.Recovery
		}{"recovery", d.Recovery})
	}
}

// renderRetained appends a retained notification. It ends with the client's cursor and not with its
// own id, from which the client would resume.
func (c *Conn) renderRetained(b *engineio.Batch, r *notify.Handout) {
	f := r.Message.Frame(notify.SocketIO, buildOpen).(*messageFrame)
	text, end := f.Text(), c.trailer(r.ID)
	if c.target {
		end = appendChannels(end[:len(end)-len(",null]")], r.Message.Channels())
	}
	names := c.as
	if len(names) == 0 {
		names = [][]byte{nil}
	}
	for _, name := range names {
		if name == nil {
			name = text[f.header:f.rest]
		}
		b.Text(text[:f.header], name, text[f.rest:], end)
	}
}

// renderControl appends a control event of Roomcast. A plain server sends none.
func (c *Conn) renderControl(b *engineio.Batch, name string, id notify.ID, arg any) {
	if c.client.srv.opts.Plain {
		return
	}
	r := c.eventReply(name, arg)
	c.client.srv.writeText(b, r.event, c.trailer(id))
}

// trailer returns the end of an event, with the id from which the client can resume.
func (c *Conn) trailer(id notify.ID) []byte {
	end := []byte{']'}
	if c.client.srv.opts.recovery() {
		end = appendTrailer(make([]byte, 0, 32), id)
	}
	if c.target {
		end = appendChannels(end[:len(end)-1], nil)
	}
	return end
}

// renderTargeted appends a message for a client with `target`, after whose events the channels
// follow: by its place the client can tell this argument from all that senders choose. A browser
// asks for it whose tabs share the connection. Such a client renames nothing.
func (c *Conn) renderTargeted(b *engineio.Batch, f *messageFrame, m *notify.Message) {
	text := f.Text()
	b.Text(text[:len(text)-1], appendChannels(nil, m.Channels()))
	for _, attachment := range m.Attachments {
		b.Binary(attachment)
	}
}

// appendChannels appends the last argument of an event for a client with `target`, and the end.
func appendChannels(dst []byte, channels []string) []byte {
	dst = append(dst, ',')
	if channels == nil {
		dst = append(dst, "null"...)
	} else {
		dst = notify.AppendStrings(dst, channels)
	}
	return append(dst, ']')
}

func appendTrailer(dst []byte, id notify.ID) []byte {
	dst = append(dst, ',', '"')
	dst = id.AppendTo(dst)
	return append(dst, '"', ']')
}

// quotedNames encodes the names of `as`, or of the server's settings. It returns nil if
// notifications only have their own types as names.
func (s *Server) quotedNames(asked []string) [][]byte {
	if len(asked) == 0 {
		asked = s.opts.As
	}
	var quoted [][]byte
	renames := false
	for _, name := range asked {
		if name == "type" {
			quoted = append(quoted, nil)
			continue
		}
		quoted, renames = append(quoted, s.quoteName(name)), true
	}
	if !renames {
		return nil
	}
	return quoted
}

// quote returns s as a JSON string.
func quote(s string) []byte {
	b, err := marshal(s)
	if err != nil { // a string always marshals
		b, _ = json.Marshal("")
	}
	return b
}
