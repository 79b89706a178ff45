// Command emitter is a server with event handlers, for tests of what Go code emits: raw arguments,
// binary arguments, and events that wait for an acknowledgement. It has the namespaces /n0 to
// /n119. It reads HOST, PORT and API_KEYS, and RATE_LIMIT_INTERVAL, which has no default here.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/server/socketio/library"
	"github.com/roomcast/roomcast/sse"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		log.Fatal(err)
	}
	origins := config.Config{Host: os.Getenv("HOST")}.Origins()
	options := socketio.DefaultOptions()
	options.Hub, options.Auth = hub, users
	options.RateInterval, _ = time.ParseDuration(os.Getenv("RATE_LIMIT_INTERVAL"))
	options.CheckOrigin = func(r *http.Request) bool {
		origin := r.Header.Get("Origin")
		return origin == "" || origins.Allow(origin, r)
	}
	socketIO, err := socketio.New(options)
	if err != nil {
		log.Fatal(err)
	}
	io := library.Mount(socketIO, nil)
	handle(io)
	for i := range 120 {
		io.Of(fmt.Sprintf("/n%d", i), nil)
	}
	so := server.DefaultOptions()
	so.Hub, so.SocketIO, so.APIKeys, so.AllowOrigin = hub, socketIO, []string{os.Getenv("API_KEYS")}, origins.Allow
	streams := sse.DefaultOptions()
	streams.Hub, streams.Auth, streams.Problem = hub, users, edge.WriteProblem
	if so.Streams, err = sse.New(streams); err != nil {
		log.Fatal(err)
	}
	service := server.New(so)
	addr := net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))
	if err := service.Serve(ctx, addr, func(a net.Addr) { log.Println("listening on", a) }); err != nil {
		log.Fatal(err)
	}
}

// handle registers the events "emit room name args…" and "bytes room", which send to a room, "echo
// args…", which emits its arguments and acknowledges them, "question", which asks the client and
// emits its answer as "answered", and "questions n size", which asks the client n times at once and
// emits the number of answers and of errors as "counted".
func handle(io *socket.Server) {
	_ = io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("emit", func(args ...any) {
			room, _ := args[0].(string)
			name, _ := args[1].(string)
			_ = io.To(socket.Room(room)).Emit(name, args[2:]...)
		})
		_ = client.On("bytes", func(args ...any) {
			room, _ := args[0].(string)
			_ = io.To(socket.Room(room)).Emit("bytes", map[string]any{"part": []byte{1, 2, 255}}, []byte("tail"))
		})
		_ = client.On("echo", func(args ...any) {
			last := len(args) - 1
			answer, waits := args[last].(socket.Ack)
			if waits {
				args = args[:last]
			}
			_ = client.Emit("echo", args...)
			if waits {
				answer(args, nil)
			}
		})
		_ = client.On("questions", func(args ...any) {
			n, _ := args[0].(float64)
			size, _ := args[1].(float64)
			var answers, failures atomic.Int64
			for range int(n) {
				client.EmitWithAck("question", strings.Repeat("x", int(size)))(func(_ []any, err error) {
					if err != nil {
						failures.Add(1)
					} else {
						answers.Add(1)
					}
					if answers.Load()+failures.Load() == int64(n) {
						_ = client.Emit("counted", answers.Load(), failures.Load())
					}
				})
			}
		})
		_ = client.On("question", func(...any) {
			client.EmitWithAck("question", "well?")(func(answers []any, err error) {
				_ = client.Emit("answered", answers, err == nil)
			})
		})
	})
}
