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

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/server/socketio/library"
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
	byLibrary := flags.Bool("library", false, "register the handlers on the API of zishang520/socket.io")
	if err := flags.Parse(args); err != nil {
		return err
	}
	handler, shutdown, err := newHandler(*interval, *timeout, *payload, *byLibrary)
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
func newHandler(interval, timeout time.Duration, payload int, byLibrary bool) (http.Handler, func(context.Context), error) {
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen, AllowAnonymousSocketIO: true})
	if err != nil {
		return nil, nil, err
	}
	anyOrigin := func(*http.Request) bool { return true }
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	o := socketio.NodeOptions()
	o.Hub, o.Auth, o.CheckOrigin = hub, authenticator, anyOrigin
	o.PingInterval, o.PingTimeout, o.MaxPayload, o.ConnectTimeout = interval, timeout, payload, time.Second
	sio, err := socketio.New(o)
	if err != nil {
		return nil, nil, err
	}
	if byLibrary {
		libraryHandlers(library.Mount(sio, nil))
	} else {
		handlers(sio)
	}
	eio := engineio.New(engineio.Options{
		PingInterval: interval, PingTimeout: timeout, MaxPayload: payload, CheckOrigin: anyOrigin,
		Accept: func(s *engineio.Session) (engineio.Handler, error) { return echo{s}, nil },
	})
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", eio)
	mux.Handle("/socket.io/", sio)
	return mux, func(ctx context.Context) {
		_, _ = eio.Shutdown(ctx), sio.Shutdown(ctx)
		hub.Close()
	}, nil
}

// handlers are those that the Socket.IO suite describes.
func handlers(sio *socketio.Server) {
	greet := func(_ context.Context, c *socketio.Conn) error {
		afterConnect(func() { _ = c.Emit("auth", c.Handshake().Auth) })
		return nil
	}
	root := sio.Of("/")
	root.OnConnect(greet)
	root.On("message", func(_ context.Context, c *socketio.Conn, e *socketio.Event) error {
		args, err := e.Values()
		if err != nil {
			return err
		}
		return c.Emit("message-back", args...)
	})
	root.On("message-with-ack", func(_ context.Context, _ *socketio.Conn, e *socketio.Event) error {
		args, err := e.Values()
		if err != nil {
			return err
		}
		e.Ack(args...)
		return nil
	})
	sio.Of("/custom").OnConnect(greet)
}

// greetDelay lets the answer to CONNECT leave before what follows it: the suite listens for one message at a time, and
// loses the second of two that arrive together.
var greetDelay = 20 * time.Millisecond

func afterConnect(f func()) {
	if greetDelay == 0 {
		f()
		return
	}
	time.AfterFunc(greetDelay, f)
}

type echo struct{ session *engineio.Session }

func (e echo) Message(data []byte, binary bool) { _ = e.session.Send(data, binary) }
func (e echo) Close(string)                     {}
