package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxLine is the longest line of a stream.
const maxLine = 1 << 20

// stream reads one event stream until it ends. It accepts gzip, as browsers do.
func (l *listener) stream(ctx context.Context, hello url.Values) error {
	token := hello.Get("token")
	hello.Del("token")
	hello.Set("channel", l.r.channel)
	req := l.r.request(ctx, http.MethodGet, l.r.url(l.r.o.SSEPath, hello), "",
		"Accept", "text/event-stream", "Accept-Encoding", "gzip")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if cursor := l.now().cursor; cursor != "" {
		req.Header.Set("Last-Event-ID", cursor)
	}
	res, err := l.r.fresh.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK ||
		!strings.HasPrefix(kind, "text/event-stream") {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
		return &refusedError{answer{status: res.StatusCode, header: res.Header, body: body,
			proto:    res.Proto,
			roomcast: whoAnswered(req.Header.Get("X-Request-ID"), res.Header, body)}}
	}
	encoding := strings.TrimPrefix(res.Header.Get("Content-Encoding"), "identity")
	l.change(func() { l.encoding = encoding })
	var body io.Reader = heard{l, res.Body}
	switch encoding {
	case "":
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			return errLost
		}
	default:
		return fmt.Errorf("the stream has the encoding %s, which was not asked for", encoding)
	}
	return readStream(body, l.take)
}

// heard notes when bytes arrive.
type heard struct {
	l *listener
	io.Reader
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n > 0 {
		h.l.touch()
	}
	return n, err
}

// readStream reads an event stream (WHATWG HTML, section 9.2.6) until it ends, which is errLost.
func readStream(r io.Reader, take func(event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	var ev event
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(line) == 0 {
			if len(ev.data) > 0 {
				if err := take(ev); err != nil {
					return err
				}
			}
			ev = event{}
			continue
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			ev.name = value
		case "id":
			ev.id = value
		case "data":
			if len(ev.data)+len(value) > maxLine {
				return errLost
			}
			ev.data = append(ev.data, value...)
		}
	}
	return errLost // for every error of the network
}
