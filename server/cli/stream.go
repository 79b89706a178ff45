package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/config"
)

const (
	maxLine  = 4 << 20 // of a stream: 256 KiB of data, plus metadata and escapes
	maxEvent = 8 << 20 // of all lines of one event
)

// stream returns the transport by EventSource.
func (t *Tail) stream(server target, c config.Config) transport {
	return func(ctx context.Context, since string, got func(event) error) (time.Duration, error) {
		token, user, err := t.identity(c)
		if err != nil {
			return 0, err
		}
		query := url.Values{"as": {"type"}}
		for _, channel := range t.Channel {
			query.Add("channel", channel) // one name, also with commas
		}
		if since != "" {
			query.Set("since", since)
		}
		if token == "" {
			query.Set("userId", user)
		}
		address := server.at(c.SSEPath)
		address.RawQuery = query.Encode()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
		if err != nil {
			return 0, err
		}
		r.Header.Set("Accept", "text/event-stream")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return follow(server, r, got)
	}
}

func follow(server target, r *http.Request, got func(event) error) (time.Duration, error) {
	client := server.client()
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return 0, server.unreached(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxLine))
		return 0, &refusal{
			status: res.StatusCode, body: bytes.TrimSpace(body),
			retryAfter: res.Header.Get("Retry-After"),
		}
	} else if !strings.HasPrefix(kind, "text/event-stream") {
		return 0, fmt.Errorf("%s responds with %q, expected text/event-stream: is it a Roomcast "+
			"server?", server.name(), kind)
	}
	wait := time.Duration(0)
	err = readStream(res.Body, func(d time.Duration) { wait = d }, func(ev event) error {
		if err := got(ev); err != nil {
			return err
		}
		if ev.Name == "disconnected" {
			var why struct{ Reason string }
			_ = json.Unmarshal(ev.Data, &why)
			return &ended{why.Reason}
		}
		return nil
	})
	return wait, err
}

// readStream reads an event stream (WHATWG HTML, section 9.2.6) until it ends, which is errLost. It
// calls retry for each `retry:`. An event without `id:` has no id here; a browser would repeat the
// last one. Data that is not JSON becomes a JSON string.
func readStream(r io.Reader, retry func(time.Duration), got func(event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var ev event
	var data []byte
	hasData, first := false, true
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if first {
			line, first = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")), false
		}
		if len(line) == 0 {
			if hasData {
				if ev.Data = asJSON(data); ev.Name == "" {
					ev.Name = "message"
				}
				if err := got(ev); err != nil {
					return err
				}
			}
			ev, data, hasData = event{}, nil, false
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
				data = append(data, '\n')
			}
			if data, hasData = append(data, value...), true; len(data) > maxEvent {
				return errors.New("an event is too long")
			}
		case "retry":
			if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
				retry(time.Duration(ms) * time.Millisecond)
			}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return errors.New("a line of the stream is too long")
	}
	return errLost // for every network error
}

// asJSON returns JSON unchanged, and any other text as a JSON string.
func asJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	quoted, _ := json.Marshal(string(text)) // of a string
	return quoted
}
