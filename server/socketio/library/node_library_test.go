package library

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

func userOfSocket(s *socket.Socket) string {
	user, _ := s.Handshake().Auth.(map[string]any)["userId"].(string)
	return user
}

func namesOfRooms(s *socket.Socket) (names []string) {
	for _, room := range s.Rooms().Keys() {
		names = append(names, string(room))
	}
	return names
}

func registerLibrary(r *nodeRun) {
	for _, event := range []string{"create-room", "join-room", "leave-room", "delete-room"} {
		_ = r.io.Of("/", nil).Adapter().On(events.EventName(event), func(args ...any) {
			words := []string{event}
			for _, arg := range args {
				words = append(words, fmt.Sprint(arg))
			}
			if !strings.HasPrefix(words[1], "user:") {
				r.noteRoom(words...)
			}
		})
	}
	connection := func(args ...any) {
		client := args[0].(*socket.Socket)
		user := userOfSocket(client)
		r.noteConnection(user, string(client.Id()), client.Nsp().Name())
		_ = client.On("error", func(args ...any) { r.note(user, "error", args[0].(error).Error()) })
		_ = client.On("disconnecting", func(args ...any) {
			names := namesOfRooms(client)
			r.note(user, "disconnecting", args[0].(string), shownRooms(names, string(client.Id())))
			slices.Sort(names)
			for _, room := range names {
				if room != string(client.Id()) && !strings.HasPrefix(room, "user:") {
					_ = client.To(socket.Room(room)).Emit("left", user, room)
				}
			}
		})
		_ = client.On("disconnect", func(args ...any) {
			r.note(user, "disconnect", args[0].(string), strings.Join(namesOfRooms(client), ","))
		})
		_ = client.On("do", func(args ...any) {
			var ack socket.Ack
			if len(args) > 1 {
				ack = args[1].(socket.Ack)
			}
			doLibrary(r, client, args[0].([]any), ack)
		})
	}
	for _, name := range []string{"/", "/other", "/use"} {
		_ = r.io.Of(name, nil).On("connection", connection)
	}
	refused := r.io.Of("/refused", nil)
	refused.Use(func(client *socket.Socket, next func(*socket.ExtendedError)) {
		r.note(userOfSocket(client), "refused")
		next(socket.NewExtendedError("not you", map[string]any{"code": "closed"}))
	})
	_ = refused.On("connection", connection)
	registerUse(r)
	registerDynamic(r, connection)
}

func registerUse(r *nodeRun) {
	_ = r.io.Of("/use", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		user := userOfSocket(client)
		client.OnAny(func(args ...any) { r.note(user, "any", args[0].(string)) })
		client.Use(func(event []any, next func(error)) {
			name := event[0].(string)
			r.note(user, "first", name)
			switch name {
			case "bad":
				next(errors.New("bad event"))
			case "dropped":
			case "later":
				go next(nil)
			default:
				next(nil)
			}
		})
		client.Use(func(event []any, next func(error)) {
			r.note(user, "second", event[0].(string))
			if event[0] == "changed" {
				event[1] = "changed"
			}
			next(nil)
		})
		for _, name := range []string{"good", "bad", "dropped", "later", "changed"} {
			_ = client.On(name, func(args ...any) {
				r.note(user, "handler", name, args[0].(string))
			})
		}
	})
}

func registerDynamic(r *nodeRun, connection func(...any)) {
	allows := socket.ParentNspNameMatchFn(new(func(string, any, func(error, bool))))
	*allows = func(name string, auth any, next func(error, bool)) {
		if !strings.HasPrefix(name, "/dynamic/") {
			next(nil, false)
			return
		}
		r.note(auth.(map[string]any)["userId"].(string), "asked", name)
		switch name {
		case "/dynamic/yes":
			time.AfterFunc(10*time.Millisecond, func() { next(nil, true) })
		case "/dynamic/no":
			time.AfterFunc(10*time.Millisecond, func() { next(nil, false) })
		case "/dynamic/error":
			time.AfterFunc(10*time.Millisecond, func() { next(errors.New("no"), false) })
		}
	}
	_ = r.io.Of(allows, nil).On("connection", connection)
}

// doLibrary runs commands in order. Commands after a question wait for its answer, as in a Node
// handler.
func doLibrary(r *nodeRun, client *socket.Socket, commands []any, ack socket.Ack) {
	for i, entry := range commands {
		command := entry.([]any)
		args := command[1:]
		word := func(i int) string { return args[i].(string) }
		switch command[0] {
		case "note":
			r.note(userOfSocket(client), word(0))
		case "join":
			client.Join(socket.Room(word(0)))
		case "leave":
			client.Leave(socket.Room(word(0)))
		case "emit":
			_ = client.Emit(word(0), args[1:]...)
		case "to":
			_ = client.To(socket.Room(word(0))).Emit(word(1), args[2:]...)
		case "in":
			_ = r.io.To(socket.Room(word(0))).Emit(word(1), args[2:]...)
		case "ack":
			ack(args, nil)
		case "ask":
			client.EmitWithAck(word(0), args[1:]...)(func(values []any, _ error) {
				r.note(userOfSocket(client), "answer", string(servertest.JSON(values[0])))
				doLibrary(r, client, commands[i+1:], ack)
			})
			return
		case "handshake":
			h := client.Handshake()
			ack([]any{shownHandshake(r, h.Address, h.Url, h.Secure, h.Xdomain, h.Query, h.Headers,
				h.Auth)}, nil)
		case "disconnect":
			client.Disconnect(false)
		case "disconnect client":
			client.Disconnect(true)
		case "close transport":
			client.Conn().Close(false)
		default:
			r.t.Errorf("unknown command %v", command)
		}
	}
}
