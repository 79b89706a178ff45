package library

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

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
			notify.RoomCreated: "create-room", notify.RoomJoined: "join-room",
			notify.RoomLeft: "leave-room", notify.RoomDeleted: "delete-room",
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

func doOwn(
	ctx context.Context, r *nodeRun, c *socketio.Conn, e *socketio.Event, command string,
	args []any,
) (err error) {
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
