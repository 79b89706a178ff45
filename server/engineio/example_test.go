package engineio_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/roomcast/roomcast/server/engineio"
)

// echo sends every message back to the client.
type echo struct{ s *engineio.Session }

func (e echo) Message(data []byte, binary bool) {
	if err := e.s.Send(data, binary); err != nil {
		e.s.Close(engineio.ReasonForcedClose)
	}
}

func (e echo) Close(reason string) {}

// This example runs an echo server and a polling client.
func Example() {
	server := engineio.New(engineio.Options{
		Accept: func(s *engineio.Session) (engineio.Handler, error) { return echo{s}, nil },
	})
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", server)
	ts := httptest.NewServer(mux)
	defer ts.Close()
	defer func() { _ = server.Shutdown(context.Background()) }()

	url := ts.URL + "/engine.io/?EIO=4&transport=polling"
	open := body(http.Get(url))
	fmt.Println(open[:9]) // the OPEN packet
	sid, _, _ := strings.Cut(open[9:], `"`)

	fmt.Println(body(http.Post(url+"&sid="+sid, "text/plain", strings.NewReader("4hello"))))
	fmt.Println(body(http.Get(url + "&sid=" + sid)))
	// Output:
	// 0{"sid":"
	// ok
	// 4hello
}

func body(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}
