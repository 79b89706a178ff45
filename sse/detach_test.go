package sse

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// A middleware that compresses in spite of no-transform gets all bytes.
func TestCompressedStream(t *testing.T) {
	r := newRig(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		r.routes().ServeHTTP(&gzipWriter{w, gzip.NewWriter(w)}, req)
	}))
	t.Cleanup(srv.Close)
	_, in := request(t, srv, "GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, parser: newParser(plain)}
	c.want("connected")
	r.publish(t, notify.Notification{Type: "t"}, notify.ToUser("u1"))
	c.want("t")
}

type gzipWriter struct {
	http.ResponseWriter
	zip *gzip.Writer
}

func (w *gzipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *gzipWriter) Write(p []byte) (int, error) { return w.zip.Write(p) }

func (w *gzipWriter) FlushError() error {
	if err := w.zip.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// A Detacher learns when the stream continues without its request, and when it has ended.
func TestDetacher(t *testing.T) { bothWays(t, testDetacher) }

func testDetacher(t *testing.T, w way) {
	r := newRig(t, Options{})
	returned, ended := make(chan struct{}), make(chan int64, 1)
	detached := false
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		defer close(returned)
		d := &detacher{ResponseWriter: rw, detach: func() func(int64) {
			detached = true
			return func(bytes int64) { ended <- bytes }
		}}
		w.of(r.routes()).ServeHTTP(d, req)
	}))
	t.Cleanup(srv.Close)
	_, in := request(t, srv, "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	readTo(t, in, "\r\n\r\n")
	body := readTo(t, in, "\n\n\r\n")
	if w == taken {
		<-returned
	}
	r.hub.Members()[0].Disconnect("over")
	rest := readTo(t, in, "0\r\n\r\n")
	<-returned
	if detached != (w == taken) {
		t.Fatalf("detached: %t", detached)
	}
	if w == taken {
		frames := len("xxx\r\n\r\n") + len("xx\r\n\r\n0\r\n\r\n")
		if got, want := <-ended, int64(len(body)+len(rest)-frames); got != want {
			t.Errorf("%d bytes, want %d", got, want)
		}
	}
}

type detacher struct {
	http.ResponseWriter
	detach func() func(int64)
}

func (d *detacher) Unwrap() http.ResponseWriter { return d.ResponseWriter }

func (d *detacher) Detach() func(int64) { return d.detach() }
