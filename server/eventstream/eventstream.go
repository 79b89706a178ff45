// Package eventstream reads event streams (WHATWG HTML, section 9.2.6) as a client.
package eventstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Errors of Read.
var (
	ErrLineTooLong  = errors.New("a line of the stream is too long")
	ErrEventTooLong = errors.New("an event is too long")
)

// Event is an event of a stream.
type Event struct {
	Name string // "" without `event:`, for which a browser takes message
	ID   string // "" without `id:`, for which a browser takes the last one
	Data []byte // of all its lines
}

// Read reads a stream until it ends, and returns nil then, whatever ended it. It calls retry, which
// may be nil, for each `retry:`, and got for each event with data. An error of got ends it, as does
// a line of more than maxLine bytes or an event with more than maxEvent bytes of data.
func Read(
	r io.Reader, maxLine, maxEvent int, retry func(time.Duration), got func(Event) error,
) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	var ev Event
	hasData, first := false, true
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if first {
			line, first = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")), false
		}
		if len(line) == 0 {
			if hasData {
				if err := got(ev); err != nil {
					return err
				}
			}
			ev, hasData = Event{}, false
			continue
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			ev.Name = value
		case "id":
			if !strings.ContainsRune(value, 0) {
				ev.ID = value
			}
		case "data":
			if hasData {
				ev.Data = append(ev.Data, '\n')
			}
			if ev.Data, hasData = append(ev.Data, value...), true; len(ev.Data) > maxEvent {
				return ErrEventTooLong
			}
		case "retry":
			if ms, err := strconv.ParseUint(value, 10, 31); err == nil && retry != nil {
				retry(time.Duration(ms) * time.Millisecond)
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return ErrLineTooLong
	}
	return nil
}
