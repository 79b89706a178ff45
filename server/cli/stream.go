package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/eventstream"
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

// readStream reads an event stream until it ends, which is errLost. It calls retry for each
// `retry:`. Data that is not JSON becomes a JSON string.
func readStream(r io.Reader, retry func(time.Duration), got func(event) error) error {
	err := eventstream.Read(r, maxLine, maxEvent, retry, func(ev eventstream.Event) error {
		return got(event{Name: cmp.Or(ev.Name, "message"), ID: ev.ID, Data: asJSON(ev.Data)})
	})
	if err == nil {
		err = errLost // for every network error
	}
	return err
}

// asJSON returns JSON unchanged, and any other text as a JSON string.
func asJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	quoted, _ := json.Marshal(string(text)) // of a string
	return quoted
}
