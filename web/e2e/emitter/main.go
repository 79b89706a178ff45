// Command emitter is a server with handlers of its own, for tests of what Go code emits: raw arguments, binary ones, and
// events that wait for an acknowledgement. HOST, PORT and API_KEYS are as for roomcast.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"

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
	options.CheckOrigin = func(r *http.Request) bool { return origins.Allow(r.Header.Get("Origin"), r) }
	socketIO, err := socketio.New(options)
	if err != nil {
		log.Fatal(err)
	}
	handle(library.Mount(socketIO, nil))
	service := server.New(server.Options{
		Hub: hub, SocketIO: socketIO, Streams: sse.New(sse.Options{Hub: hub, Auth: users, Problem: edge.WriteProblem}),
		APIKeys:     []string{os.Getenv("API_KEYS")},
		AllowOrigin: origins.Allow,
	})
	addr := net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))
	if err := service.Serve(ctx, addr, func(a net.Addr) { log.Println("listening on", a) }); err != nil {
		log.Fatal(err)
	}
}

// handle has "emit room name args…" send an event to a room, and "question" ask the client, whose answer is emitted to it.
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
		_ = client.On("question", func(...any) {
			client.EmitWithAck("question", "well?")(func(answers []any, err error) {
				_ = client.Emit("answered", answers, err == nil)
			})
		})
	})
}
