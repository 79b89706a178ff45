// Command conformance serves the Engine.IO and Socket.IO stack for the official
// protocol test suites: `/engine.io/` echoes, `/socket.io/` has the handlers that
// the Socket.IO suite describes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/engineio"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:3000", "address to listen on")
	interval := flags.Duration("ping-interval", 300*time.Millisecond, "time between two pings")
	timeout := flags.Duration("ping-timeout", 200*time.Millisecond, "time for the answer to a ping")
	payload := flags.Int("max-payload", 1_000_000, "bytes of one message")
	if err := flags.Parse(args); err != nil {
		return err
	}
	handler, shutdown, err := newHandler(*interval, *timeout, *payload)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		shutdown(ctx)
		_ = srv.Shutdown(ctx)
	})
	defer stopped()
	fmt.Println("listening on", listener.Addr())
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newHandler is both servers on their usual paths. The suites connect without
// credentials and expect nothing beyond the protocols.
func newHandler(interval, timeout time.Duration, payload int) (http.Handler, func(context.Context), error) {
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen, AllowAnonymousSocketIO: true})
	if err != nil {
		return nil, nil, err
	}
	anyOrigin := func(*http.Request) bool { return true }
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	sio, err := server.New(server.Options{
		Hub: hub, Auth: authenticator, Plain: true, CheckOrigin: anyOrigin,
		PingInterval: interval, PingTimeout: timeout, MaxPayload: payload, ConnectTimeout: time.Second,
	})
	if err != nil {
		return nil, nil, err
	}
	handlers(sio.IO())
	eio := engineio.New(engineio.Options{
		PingInterval: interval, PingTimeout: timeout, MaxPayload: payload, CheckOrigin: anyOrigin,
		Accept: func(s *engineio.Session) engineio.Handler { return echo{s} },
	})
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", eio)
	mux.Handle("/socket.io/", sio)
	return mux, func(ctx context.Context) {
		_, _ = eio.Shutdown(ctx), sio.Shutdown(ctx)
		hub.Close()
	}, nil
}

// handlers are those of the Socket.IO suite, with the library's own API.
func handlers(io *socket.Server) {
	_ = io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.Emit("auth", client.Handshake().Auth)
		_ = client.On("message", func(args ...any) {
			_ = client.Emit("message-back", args...)
		})
		_ = client.On("message-with-ack", func(args ...any) {
			if ack, ok := args[len(args)-1].(socket.Ack); ok {
				ack(args[:len(args)-1], nil)
			}
		})
	})
	_ = io.Of("/custom", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.Emit("auth", client.Handshake().Auth)
	})
}

type echo struct{ session *engineio.Session }

func (e echo) Message(data []byte, binary bool) { _ = e.session.Send(data, binary) }
func (e echo) Close(string)                     {}
