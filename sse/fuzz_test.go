package sse

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// oneWrite is a response that ends its request with the first bytes.
type oneWrite struct {
	*httptest.ResponseRecorder
	end context.CancelFunc
}

func (w oneWrite) Write(p []byte) (int, error) {
	defer w.end()
	return w.ResponseRecorder.Write(p)
}

// FuzzStream: every query and header opens a stream or is refused with a status 4xx, and nothing
// that a client sent can end a line of the stream.
func FuzzStream(f *testing.F) {
	for _, seed := range [][3]string{
		{"userId=u1&channels=a,b", "", "text/event-stream"},
		{"lastEventId=0&as=event", "5f3a9c01-1", "*/*"},
		{"since=-1&as=%0adata:%20x", "\xff", "text/html"},
		{"userId=%0a%0aevent:%20x&username=%0d", strings.Repeat("9", 5000), ""},
		{"channels=user:x&channels=client:y&channels=*&channels=a%23b", "5f3a9c01-18446744073709551615", ""},
		{"sessionId=tab&envelope=true&room=x&jwt=y", "00000000-0", "text/event-stream;q=0"},
		{"last_event_id=ffffffff-9999999999999999&as=a,b", "", "application/json"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	r := newRig(f, Options{})
	stored := r.publish(f, notify.Notification{Type: "t", Data: raw(`1`)}, notify.ToChannel("a"))
	f.Add("channels=a&since="+stored, stored, "")
	handler := r.routes()
	f.Fuzz(func(t *testing.T, query, last, accept string) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		request := httptest.NewRequestWithContext(ctx, "GET", "/sse", nil)
		request.URL.RawQuery = query
		request.Header.Set("Last-Event-ID", last)
		request.Header.Set("Accept", accept)
		w := oneWrite{httptest.NewRecorder(), end}
		handler.ServeHTTP(w, request)
		select {
		case <-r.gone: // as many as the channel holds
		default:
		}
		if w.Code != http.StatusOK {
			if w.Code < 400 || w.Code > 499 {
				t.Fatalf("%q got %d: %s", query, w.Code, w.Body)
			}
			return
		}
		for line := range strings.Lines(w.Body.String()) {
			name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			switch name {
			case "", "id", "event", "data", "retry":
			default:
				t.Fatalf("%q and %q opened a stream with the line %q", query, last, line)
			}
			if strings.ContainsAny(line, "\r\x00") {
				t.Fatalf("%q and %q opened a stream with the line %q", query, last, line)
			}
		}
	})
}
