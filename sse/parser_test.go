package sse

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// event is what a listener of an EventSource gets.
type event struct {
	name, data, id string
}

// parser reads an event stream by sections 9.2.5 and 9.2.6 of the HTML Living Standard. It shares
// no code with the encoder.
type parser struct {
	r     *bufio.Reader
	begun bool
	// afterR: the last line ended with a carriage return, and a line feed after it belongs to it.
	afterR bool

	lastID, data, name, idBuffer string
	retry                        string // the last reconnection time
	comments                     []string
}

func newParser(r io.Reader) *parser { return &parser{r: bufio.NewReader(r)} }

// next returns the next event that an EventSource would dispatch.
func (p *parser) next() (event, error) {
	for {
		line, err := p.line()
		if err != nil {
			return event{}, err // an incomplete event is discarded
		}
		if line == "" {
			p.lastID = p.idBuffer
			data, name := p.data, p.name
			p.data, p.name = "", ""
			if data == "" {
				continue
			}
			if name == "" {
				name = "message"
			}
			return event{name, strings.TrimSuffix(data, "\n"), p.lastID}, nil
		}
		field, value, colon := strings.Cut(line, ":")
		if colon && field == "" {
			p.comments = append(p.comments, strings.TrimPrefix(value, " "))
			continue
		}
		p.field(field, strings.TrimPrefix(value, " "))
	}
}

func (p *parser) field(name, value string) {
	switch name {
	case "event":
		p.name = value
	case "data":
		p.data += value + "\n"
	case "id":
		if !strings.Contains(value, "\x00") {
			p.idBuffer = value
		}
	case "retry":
		if value != "" && strings.Trim(value, "0123456789") == "" {
			p.retry = value
		}
	}
}

// line reads up to \r\n, \n or \r and decodes it as UTF-8. Like a browser it does not wait for the
// byte after a \r.
func (p *parser) line() (string, error) {
	var b strings.Builder
	for {
		c, err := p.r.ReadByte()
		if err != nil {
			return "", err
		}
		if p.afterR && c == '\n' {
			p.afterR = false
			continue
		}
		p.afterR = c == '\r'
		if c == '\r' || c == '\n' {
			break
		}
		b.WriteByte(c)
	}
	line := b.String()
	if !utf8.ValidString(line) {
		line = strings.ToValidUTF8(line, "\uFFFD")
	}
	if !p.begun {
		p.begun = true
		line = strings.TrimPrefix(line, "\uFEFF")
	}
	return line, nil
}

// The tests of the encoder rely on the parser, so this test checks it with the examples of the
// standard.
func TestParser(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []event
	}{
		"stocks": {"data: YHOO\ndata: +2\ndata: 10\n\n",
			[]event{{"message", "YHOO\n+2\n10", ""}}},
		"ids": {": test stream\n\ndata: first event\nid: 1\n\ndata:second " +
			"event\nid\n\ndata:  third event\n\n",
			[]event{{"message", "first event", "1"}, {"message", "second event", ""},
				{"message", " third event", ""}}},
		"empty": {"data\n\ndata\ndata\n\ndata:",
			[]event{{"message", "", ""}, {"message", "\n", ""}}},
		"space": {"data:test\n\ndata: test\n\n",
			[]event{{"message", "test", ""}, {"message", "test", ""}}},
		"ends": {"event: a\rdata: 1\r\r\nevent: b\r\ndata: 2\r\n\r\n",
			[]event{{"a", "1", ""}, {"b", "2", ""}}},
		"mark": {"\uFEFFdata: 1\n\n\uFEFFdata: 2\n\n", []event{{"message", "1", ""}}},
		"nul in id": {"id: 1\ndata: a\n\nid: 2\x00\ndata: b\n\n",
			[]event{{"message", "a", "1"}, {"message", "b", "1"}}},
		"incomplete": {"data: a\n", nil},
		"no data":    {"event: a\nid: 7\n\ndata: b\n\n", []event{{"message", "b", "7"}}},
	} {
		p := newParser(strings.NewReader(c.in))
		for _, want := range c.want {
			if got, err := p.next(); err != nil || got != want {
				t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
			}
		}
		if got, err := p.next(); err != io.EOF {
			t.Errorf("%s: got %+v, %v after the last event", name, got, err)
		}
	}
}
