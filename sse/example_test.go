package sse_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/sse"
)

// This example opens a stream of user u1 with the channel orders.
func Example() {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	defer hub.Close()
	believe, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		fmt.Println(err)
		return
	}
	options := sse.DefaultOptions()
	options.Hub, options.Auth, options.DefaultChannels = hub, believe, []string{"general"}
	streams, err := sse.New(options)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/sse", streams.Stream(""))
	mux.Handle("/sse/{clientId}/channels", streams.Channels())
	srv := httptest.NewServer(mux)
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/sse?userId=u1&channels=orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.Header.Get("Content-Type"))

	ctx := context.Background()
	for _, to := range []notify.Target{
		notify.ToUser("u1"), notify.ToUser("u2"),
		notify.ToChannel("orders"),
	} {
		_, _ = hub.Publish(ctx, notify.Notification{Type: "order:new", Data: []byte(`{"order":7}`)},
			to)
	}
	_ = streams.Shutdown(ctx)

	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			fmt.Println(name)
		}
	}
	// Output:
	// text/event-stream
	// connected
	// order:new
	// order:new
}
