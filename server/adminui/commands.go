package adminui

import (
	"context"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/socketio"
)

// command changes something. It returns how many sockets of this node it was for.
type command func(e *socketio.Event, on selection) (count int, err error)

// handle registers the events with which an admin changes something. In read-only mode it refuses
// them.
func (u *ui) handle(n *socketio.Namespace) {
	for _, c := range []struct {
		event, action string
		filter        int // the index of the argument
		run           command
	}{
		{"emit", "adminUiEmit", 1, u.emit},
		{"join", "adminUiJoin", 2, u.join},
		{"leave", "adminUiLeave", 2, u.leave},
		{"_disconnect", "adminUiDisconnect", 2, u.end},
	} {
		n.On(c.event, func(_ context.Context, conn *socketio.Conn, e *socketio.Event) error {
			a := u.admin(conn)
			if a == nil { // it has left
				return auth.ErrForbidden
			}
			on, err := u.selects(e, c.filter)
			count := 0
			switch {
			case u.o.ReadOnly:
				err = auth.ErrForbidden
			case err == nil:
				count, err = c.run(e, on)
			}
			u.note(c.action, a.entry, on.String(), count, err)
			a.soon()
			return err
		})
	}
}

// selection is the sockets that a command is for: those of a namespace, or of a room of it. A socket
// has a room with its id.
type selection struct {
	socketio.Broadcast
	namespace, room string
}

// String names the selection in the audit log.
func (s selection) String() string {
	if s.room == "" {
		return "namespace:" + s.namespace
	}
	return "namespace:" + s.namespace + " room:" + s.room
}

// selects returns the selection of a command: its first argument is the namespace, the one at filter
// is the room, which may be missing. Commands for admins are refused, except to end them.
func (u *ui) selects(e *socketio.Event, filter int) (s selection, err error) {
	if err := e.Bind(&s.namespace); err != nil {
		return s, err
	}
	if err := rooms.CheckNamespace(s.namespace); err != nil || s.namespace == "" {
		return s, &socketio.ArgumentError{Index: 0, Reason: "expected the name of a namespace"}
	}
	if s.namespace == u.o.Namespace && e.Name != "_disconnect" {
		return s, auth.ErrForbidden
	}
	s.Broadcast = u.srv.In(s.namespace)
	if e.Len() <= filter {
		return s, nil
	}
	if text := string(e.JSON(filter)); text != "null" {
		if s.room = textOf(e.JSON(filter)); s.room == "" {
			return s, &socketio.ArgumentError{Index: filter, Reason: "expected the name of a room"}
		}
		s.Broadcast = s.To(s.room)
	}
	return s, nil
}

// emit is (namespace, room, event, …arguments).
func (u *ui) emit(e *socketio.Event, on selection) (int, error) {
	if e.Len() < 3 {
		return 0, &socketio.ArgumentError{Index: 2, Reason: "is missing"}
	}
	values, err := e.Values()
	if err != nil {
		return 0, err
	}
	name, ok := values[2].(string)
	if !ok {
		return 0, &socketio.ArgumentError{Index: 2, Reason: "expected the name of an event"}
	}
	if len(e.Binary()) == 0 { // the JSON of the admin, with its numbers
		for i := range values {
			values[i] = e.JSON(i)
		}
	}
	receipt, err := on.Emit(name, values[3:]...)
	return receipt.Delivered, err
}

// join is (namespace, new room, room).
func (u *ui) join(e *socketio.Event, on selection) (int, error) {
	room, err := roomOf(e)
	if err != nil {
		return 0, err
	}
	if u.hub.IsClientID(room) {
		return 0, &socketio.ArgumentError{Index: 1, Reason: "is the id of a socket"}
	}
	count := len(on.Members())
	on.Join(room)
	return count, nil
}

// leave is (namespace, room to leave, room).
func (u *ui) leave(e *socketio.Event, on selection) (int, error) {
	room, err := roomOf(e)
	if err != nil {
		return 0, err
	}
	if on.room == "" { // all that are in it
		on.Broadcast = on.To(room)
	}
	count := len(on.Members())
	on.Leave(room)
	return count, nil
}

// end is (namespace, whether the connection ends in all namespaces, room).
func (u *ui) end(e *socketio.Event, on selection) (int, error) {
	var namespace string
	var transport bool
	if err := e.Bind(&namespace, &transport); err != nil {
		return 0, err
	}
	count := len(on.Members())
	if transport {
		on.CloseTransport()
	} else {
		on.Close()
	}
	return count, nil
}

// roomOf returns the room that sockets join or leave. The rooms of a user and of a socket belong to
// the server.
func roomOf(e *socketio.Event) (room string, err error) {
	var namespace string
	if err := e.Bind(&namespace, &room); err != nil {
		return "", err
	}
	if err := rooms.CheckChannel("room", room); err != nil {
		return "", &socketio.ArgumentError{Index: 1, Reason: err.Error()}
	}
	return room, nil
}
