package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// nodeHost has the handlers of testdata/node/server.mjs, written for one of the APIs.
type nodeHost struct {
	register func(*nodeRun)
	kick     func(*nodeRun)      // disconnects every client
	shown    func(s sight) sight // removes from a recording what this API does not have
}

var hosts = map[string]nodeHost{
	"own": {registerOwn, func(r *nodeRun) {
		for _, c := range r.sio.To().Conns() {
			c.CloseTransport()
		}
	}, ownSight},
	"api": {registerOwn, func(r *nodeRun) {
		for _, c := range r.sio.To().Conns() {
			url := "http://" + r.Base + "/v1/connections/" + c.ID()
			if res, text := servertest.Do(r.t, "DELETE", url, "", "Authorization: Bearer "+servertest.Key); res.StatusCode != http.StatusOK {
				r.t.Errorf("DELETE: %d %s", res.StatusCode, text)
			}
		}
	}, ownSight},
	"library": {registerLibrary, func(r *nodeRun) { r.io.DisconnectSockets(true) }, librarySight},
}

// badPacket matches the event with which a Node server reports a packet that it cannot decode.
// Roomcast logs such packets.
var badPacket = regexp.MustCompile(`^error (unknown packet type|invalid payload)`)

func librarySight(s sight) sight {
	seen := make([][]string, len(s.Seen))
	for i, list := range s.Seen {
		seen[i] = slices.DeleteFunc(slices.Clone(list), badPacket.MatchString)
	}
	s.Seen = seen
	return s
}

// ownSight keeps one event for each client that ends, because OnDisconnect still shows the rooms.
// It also removes "behind": the handler that closed the client continues while OnDisconnect runs,
// so the order of the two is not fixed.
func ownSight(s sight) sight {
	seen := make([][]string, len(s.Seen))
	for i, list := range s.Seen {
		seen[i] = slices.DeleteFunc(slices.Clone(list), func(line string) bool {
			return strings.HasPrefix(line, "disconnect ") || line == "behind" || badPacket.MatchString(line)
		})
	}
	s.Seen = seen
	return s
}

// shownRooms lists a client's rooms without the user's room, which a Node server does not have.
func shownRooms(names []string, id string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "user:") })
	for i, name := range names {
		if name == id {
			names[i] = "own"
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// shownHandshake returns the part of the handshake that the scenarios compare.
func shownHandshake(r *nodeRun, address, url string, secure, xdomain bool, query, headers map[string][]string, auth any) map[string]any {
	port := func(text string) string {
		return strings.Replace(text, r.Base[strings.LastIndexByte(r.Base, ':'):], ":port", 1)
	}
	first := map[string]string{}
	for name, values := range query {
		first[name] = values[0]
	}
	return map[string]any{
		"address": address, "secure": secure, "xdomain": xdomain, "url": port(url), "query": first, "auth": auth,
		"headers": map[string]string{"x-shown": http.Header(headers).Get("X-Shown"), "host": port(http.Header(headers).Get("Host"))},
	}
}

func userOf(c *socketio.Conn) string {
	var auth struct{ UserID string }
	_ = json.Unmarshal(c.Handshake().Auth, &auth)
	return auth.UserID
}

func registerOwn(r *nodeRun) {
	r.Hub.OnRoomChange(func(c notify.RoomChange) {
		namespace, name := rooms.Split(c.Room)
		if namespace != "/" || name == rooms.All || strings.HasPrefix(name, "user:") {
			return
		}
		if id, own := rooms.IsClient(name); own {
			name = id
		}
		event := map[notify.RoomChangeKind]string{
			notify.RoomCreated: "create-room", notify.RoomJoined: "join-room", notify.RoomLeft: "leave-room", notify.RoomDeleted: "delete-room",
		}[c.Kind]
		words := []string{event, name}
		if c.Kind == notify.RoomJoined || c.Kind == notify.RoomLeft {
			words = append(words, c.Member.ClientID())
		}
		r.noteRoom(words...)
	})
	for _, name := range []string{"/", "/other"} {
		n := r.sio.Of(name)
		n.OnConnect(func(_ context.Context, c *socketio.Conn) error {
			r.noteConnection(userOf(c), c.ID(), name)
			return nil
		})
		n.OnDisconnect(func(c *socketio.Conn, reason string) {
			r.note(userOf(c), "disconnecting", reason, shownRooms(c.Rooms(), c.ID()))
			for _, room := range c.Rooms() {
				if room != c.ID() && !strings.HasPrefix(room, "user:") {
					if _, err := c.To(room).Emit("left", userOf(c), room); err != nil {
						r.t.Error(err)
					}
				}
			}
		})
		n.On("do", func(ctx context.Context, c *socketio.Conn, e *socketio.Event) error {
			var commands [][]any
			if err := e.Bind(&commands); err != nil {
				return err
			}
			for _, command := range commands {
				if err := doOwn(ctx, r, c, e, command[0].(string), command[1:]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	r.sio.Of("/refused").OnConnect(func(_ context.Context, c *socketio.Conn) error {
		r.note(userOf(c), "refused")
		return socketio.Refuse("not you", map[string]any{"code": "closed"})
	})
}

func doOwn(ctx context.Context, r *nodeRun, c *socketio.Conn, e *socketio.Event, command string, args []any) (err error) {
	word := func(i int) string { return args[i].(string) }
	switch command {
	case "note": // see ownSight
	case "join":
		c.Join(word(0))
	case "leave":
		c.Leave(word(0))
	case "emit":
		err = c.Emit(word(0), args[1:]...)
	case "to":
		_, err = c.To(word(0)).Emit(word(1), args[2:]...)
	case "in":
		_, err = r.sio.To(word(0)).Emit(word(1), args[2:]...)
	case "ack":
		e.Ack(args...)
	case "ask":
		var answer socketio.Answer
		if answer, err = c.Ask(ctx, word(0), args[1:]...); err == nil {
			r.note(userOf(c), "answer", string(answer.JSON(0)))
		}
	case "handshake":
		h := c.Handshake()
		xdomain := h.Headers.Get("Origin") != ""
		e.Ack(shownHandshake(r, h.Address, h.URL, h.Secure, xdomain, h.Query, h.Headers, h.Auth))
	case "disconnect":
		c.Close()
	case "disconnect client":
		c.CloseTransport()
	case "close transport":
		c.Drop()
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	return err
}

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
			_ = client.On(name, func(args ...any) { r.note(user, "handler", name, args[0].(string)) })
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
			ack([]any{shownHandshake(r, h.Address, h.Url, h.Secure, h.Xdomain, h.Query, h.Headers, h.Auth)}, nil)
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
