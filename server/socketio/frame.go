package socketio

import (
	"bytes"
	"encoding/json"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// messageFrame is the Socket.IO form of a message, encoded once and shared by
// every member that gets it.
type messageFrame struct {
	*engineio.Frame
	header int // bytes before the event's name
	rest   int // where what follows the name begins
}

// messageFrameOf returns the shared frame of m, building it at the first call.
func (s *Server) messageFrameOf(m *notify.Message) *messageFrame {
	return m.Frame(notify.SocketIO, s.buildFrame).(*messageFrame)
}

func (s *Server) buildFrame(m *notify.Message) notify.Frame {
	kind, args := byte(kindEvent), m.Args
	if len(m.Attachments) > 0 {
		kind, args = kindBinaryEvent, m.BinaryArgs
	}
	f := &messageFrame{}
	text := make([]byte, 0, len(args)+len(m.Data)+len(m.Metadata)+len(m.Type)+160)
	text = appendHeader(text, kind, len(m.Attachments), m.Namespace, nil)
	text = append(text, '[')
	f.header = len(text)
	text = append(text, quote(m.Type)...)
	f.rest = len(text)
	if m.Args == nil {
		text = append(text, ',')
		text = m.AppendJSON(text)
	} else if inner := bytes.TrimSpace(args[1 : len(args)-1]); len(inner) > 0 {
		text = append(text, ',')
		text = append(text, inner...)
	}
	if s.opts.recovery() {
		text = appendTrailer(text, m.ID)
	} else {
		text = append(text, ']')
	}
	f.Frame = engineio.NewFrame(text, m.Attachments...)
	return f
}

// render appends one delivery to the batch. Notifications go out under the names
// the client asked for by `as`; what Go code emits keeps its own.
func (c *Conn) render(b *engineio.Batch, d notify.Delivery) {
	switch {
	case d.Message != nil:
		if at := d.Message.Accepted(); at.After(c.member.ConnectedAt()) { // else it is a replay
			b.Since(at)
		}
		f := c.client.srv.messageFrameOf(d.Message)
		if d.Message.Args != nil || len(c.as) == 0 {
			b.Frame(f.Frame)
			return
		}
		text := f.Text()
		for _, name := range c.as {
			if name == nil {
				b.Frame(f.Frame)
				continue
			}
			b.Text(text[:f.header], name, text[f.rest:])
		}
	case d.Gap != nil:
		c.client.srv.log.Debug("gap", zap.String("client", c.member.ClientID()), zap.String("namespace", c.namespace),
			zap.String("reason", d.Gap.Reason), zap.String("from", d.Gap.From), zap.String("to", d.Gap.To))
		c.renderControl(b, "gap", d.Gap.ID, struct {
			Type string `json:"type"`
			*notify.Gap
		}{"gap", d.Gap})
	case d.Recovery != nil:
		c.client.srv.log.Debug("replayed", zap.String("client", c.member.ClientID()), zap.String("namespace", c.namespace),
			zap.Int("notifications", d.Recovery.Replayed), zap.Bool("recovered", d.Recovery.Recovered),
			zap.String("from", d.Recovery.From), zap.String("to", d.Recovery.To))
		c.renderControl(b, "recovery", c.member.Cursor(), struct {
			Type string `json:"type"`
			*notify.Recovery
		}{"recovery", d.Recovery})
	}
}

// renderControl appends a control event; the original's suites and clients that
// asked for no events of ours get none.
func (c *Conn) renderControl(b *engineio.Batch, name string, id notify.ID, arg any) {
	if c.client.srv.opts.Plain {
		return
	}
	r := c.eventReply(name, arg)
	b.Text(r.event, c.trailer(id))
}

// trailer closes an event with the place to resume from.
func (c *Conn) trailer(id notify.ID) []byte {
	if !c.client.srv.opts.recovery() {
		return []byte{']'}
	}
	return appendTrailer(make([]byte, 0, 32), id)
}

func appendTrailer(dst []byte, id notify.ID) []byte {
	dst = append(dst, ',', '"')
	dst = id.AppendTo(dst)
	return append(dst, '"', ']')
}

// quotedNames prepares `as`, or the names of the server's settings: nil when notifications keep their own names only.
func quotedNames(asked, standard []string) [][]byte {
	if len(asked) == 0 {
		asked = standard
	}
	var quoted [][]byte
	renames := false
	for _, name := range asked {
		if name == "type" {
			quoted = append(quoted, nil)
			continue
		}
		quoted, renames = append(quoted, quote(name)), true
	}
	if !renames {
		return nil
	}
	return quoted
}

func newFrame(text []byte, attachments ...[]byte) *engineio.Frame {
	return engineio.NewFrame(text, attachments...)
}

// quote is the JSON string of s.
func quote(s string) []byte {
	b, err := marshal(s)
	if err != nil { // a string always marshals
		b, _ = json.Marshal("")
	}
	return b
}
