package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// A Service serves both transports and the API with one listener: a stream receives the
// notification that a backend publishes. Serve returns after its context is done.
func ExampleService() {
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		panic(err)
	}
	options := socketio.DefaultOptions()
	options.Hub, options.Auth = hub, users
	socketIO, err := socketio.New(options)
	if err != nil {
		panic(err)
	}
	so := server.DefaultOptions()
	so.Hub, so.SocketIO = hub, socketIO
	streams := sse.DefaultOptions()
	streams.Hub, streams.Auth, streams.Problem = hub, users, edge.WriteProblem
	if so.Streams, err = sse.New(streams); err != nil {
		panic(err)
	}
	so.APIKeys = []string{"a key that nobody can guess"}
	service := server.New(so)
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- service.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { address <- a }) }()
	url := "http://" + (<-address).String()

	stream, err := http.Get(url + "/sse?userId=u1")
	if err != nil {
		panic(err)
	}
	defer stream.Body.Close()
	body := `{"target": {"user": "u1"}, "type": "payment:completed", "data": {"amount": 9.99}}`
	request, _ := http.NewRequest("POST", url+"/v1/notifications", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer a key that nobody can guess")
	request.Header.Set("Content-Type", "application/json")
	receipt, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer receipt.Body.Close()
	stop()

	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
			fmt.Println(name)
		}
	}
	fmt.Println(<-ended)
	// Output:
	// connected
	// payment:completed
	// <nil>
}
