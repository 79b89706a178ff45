package verify

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/roomcast/roomcast/server/eventstream"
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
		refused, _ := readAnswer(req.Header.Get("X-Request-ID"), res)
		return &refusedError{refused}
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

// readStream reads an event stream until it ends, which is errLost.
func readStream(r io.Reader, take func(event) error) error {
	err := eventstream.Read(r, maxLine, maxLine, nil, func(ev eventstream.Event) error {
		if len(ev.Data) == 0 {
			return nil
		}
		return take(event{name: ev.Name, id: ev.ID, data: ev.Data})
	})
	switch err {
	case nil, eventstream.ErrLineTooLong, eventstream.ErrEventTooLong:
		return errLost // for every error of the network
	}
	return err
}
