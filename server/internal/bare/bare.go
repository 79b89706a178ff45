//go:build linux

// Package bare has broadcasters without a protocol, rooms or history, which show the least that a
// server on the same network stack must spend.
//
// A client receives everything that is posted to /publish: the body of the request is the text of
// one frame or event, built once for all clients and sent as often as the parameter n says.
package bare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Kinds are the names of the broadcasters.
var Kinds = []string{"gorilla", "epoll", "hijack"}

const (
	// Welcome is the text message that a websocket client receives when it is in the room.
	Welcome = "welcome"
	// maxBody is the most that is published in one request.
	maxBody = 1 << 20
	// writeDeadline is the longest time for a client to take its bytes.
	writeDeadline = 5 * time.Second
)

// broadcaster holds the clients.
type broadcaster interface {
	http.Handler // joins a client
	// broadcast sends text to all clients, n times, and returns when the kernel has it.
	broadcast(text []byte, n int)
	close()
}

// Serve prints its address to out and serves until ctx is done. kind is one of [Kinds]. Clients
// connect to /, those of hijack with EventSource, the others with websocket.
func Serve(ctx context.Context, kind string, out io.Writer) error {
	b, err := newBroadcaster(kind)
	if err != nil {
		return err
	}
	defer b.close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", b)
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		publish(b, w, r)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: writeDeadline}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintf(out, "listening on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newBroadcaster(kind string) (broadcaster, error) {
	switch kind {
	case "gorilla":
		return newGorilla(), nil
	case "epoll":
		return newEpoll()
	case "hijack":
		return newHijack(), nil
	}
	return nil, fmt.Errorf("kind %q, want one of %q", kind, Kinds)
}

func publish(b broadcaster, w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	n := 1
	if given := r.URL.Query().Get("n"); err == nil && given != "" {
		n, err = strconv.Atoi(given)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.broadcast(text, n)
	w.WriteHeader(http.StatusNoContent)
}
