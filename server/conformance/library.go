package main

import "github.com/zishang520/socket.io/v2/socket"

// libraryHandlers are the same handlers on the library's API.
func libraryHandlers(io *socket.Server) {
	_ = io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		afterConnect(func() { _ = client.Emit("auth", client.Handshake().Auth) })
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
		afterConnect(func() { _ = client.Emit("auth", client.Handshake().Auth) })
	})
}
