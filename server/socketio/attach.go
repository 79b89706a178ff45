package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/limit"
)

// attach makes the Conn's member. If the client resumes a session, the member replaces that of the
// former connection.
func (c *Conn) attach(given auth.Credentials, payload map[string]json.RawMessage) error {
	srv := c.client.srv
	a := notify.Attachment{
		ClientID: rooms.ClientID(newID), Namespace: c.namespace, Transport: c.client.session.Transport(),
		UserID: c.Identity().RoomUser(), Username: c.Identity().Username,
		Wake: c.client.session.WakeFor, Disconnect: c.ordered, Drop: c.client.abort, Owner: c,
		Address: limit.Bucket(c.client.admission.ip),
		Made:    func(m *notify.Member) { c.member = m },
	}
	ctx, cancel := context.WithTimeout(c.Context(), srv.hub.ResumeTimeout())
	former := c.resume(ctx, &a, given, payload)
	if srv.opts.recovery() && !c.guarded {
		c.pid = newID()
		a.Sessions = append(a.Sessions, notify.PIDKey(c.pid))
	}
	a.Granted = slices.Concat(srv.hub.PlacesIn(c.namespace, c.Identity().Rooms...), a.Granted)
	c.startRooms(ctx, &a, given)
	cancel()
	srv.hub.Wait(c.Context(), a.Resume)
	for {
		if a.Former != nil && !srv.retire(c.namespace, a.Former.ClientID) {
			a.Former = nil // a handler of the old connection still runs, so its id is in use
		}
		_, err := srv.hub.Attach(a)
		if errors.Is(err, notify.ErrClientIDLive) && a.Former != nil && c.Context().Err() == nil {
			continue // a third connection resumed the session meanwhile; the newest wins
		}
		if err != nil {
			return err
		}
		break
	}
	if c.Recovered() {
		c.pid = former
		if session, ok := srv.hub.Session(notify.PIDKey(former)); ok && session.Data != nil {
			c.restoreData(session.Data)
		}
	}
	return nil
}
