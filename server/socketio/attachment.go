package socketio

import (
	"crypto/rand"
	"errors"
	"slices"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// attach puts the client into the Hub. Its member is paused until the CONNECT
// reply is on the wire, since live notifications could overtake it.
func (p *peer) attach(sock *socket.Socket) error {
	srv := p.link.srv
	p.clientID = string(sock.Id())
	if !srv.peers.add(p) {
		return notify.ErrClientIDLive
	}
	member, err := srv.hub.Attach(p.attachment())
	if errors.Is(err, notify.ErrLost) {
		// Trimmed since resumeFrom looked. The library has given the client its old id
		// already; the new pid tells the client that it did not recover.
		srv.hub.ForgetSession(pidKey(p.pid))
		p.recovered, p.pid = false, rand.Text()
		member, err = srv.hub.Attach(p.attachment())
	}
	if err != nil {
		srv.peers.remove(p)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.socket, p.member = sock, member
	return nil
}

// attachment is how the client stands in the Hub.
func (p *peer) attachment() notify.Attachment {
	l, pid := p.link, p.pid
	if !l.srv.opts.recovery() {
		pid = ""
	}
	return notify.Attachment{
		ClientID: p.clientID, UserID: p.identity.RoomUser(), Username: p.identity.Username,
		Namespace: p.namespace, Transport: l.session.Transport(),
		Rooms: p.startRooms(), Granted: p.granted, Resume: p.resume, Whole: p.recovered, Sessions: p.sessionKeys(pid),
		Wake: l.session.Wake, Disconnect: p.ordered, Owner: p,
	}
}

// sessionKeys are the names under which the client's rooms are kept: the secret
// pid, and the tab that it says it is.
func (p *peer) sessionKeys(pid string) (keys []string) {
	if pid != "" {
		keys = append(keys, pidKey(pid))
	}
	if p.namespace == notify.RootNamespace && p.credentials.SessionID != "" {
		keys = append(keys, notify.TabKey(p.identity.RoomUser(), p.credentials.SessionID))
	}
	return keys
}

// startRooms are the channels of a connection at its start: the default ones,
// those it asked for and those of the session it resumes, as far as the identity
// of today may join them.
func (p *peer) startRooms() []string {
	names := slices.Clone(p.channels)
	if p.namespace != notify.RootNamespace || p.link.srv.opts.Plain {
		return names
	}
	hub, limit := p.link.srv.hub, p.link.srv.opts.MaxRooms
	for _, key := range p.sessionKeys("") {
		if tab, ok := hub.Session(key); ok && tab.UserID == p.identity.RoomUser() {
			names = append(names, p.permitted(tab.Channels)...)
			p.granted = append(p.granted, tab.Granted...)
		}
	}
	defaults, _ := hub.Admissible(p.link.srv.opts.DefaultChannels, p.identity.MayJoin, limit)
	asked, _ := hub.Admissible(p.credentials.Channels, p.identity.MayJoin, limit)
	names = append(append(names, defaults...), asked...)
	slices.Sort(names)
	return slices.Compact(names)
}

// permitted holds the rooms of a session against the identity of today.
func (p *peer) permitted(hubRooms []string) (kept []string) {
	for _, room := range hubRooms {
		if _, name := rooms.Split(room); p.identity.MayJoin(name) {
			kept = append(kept, room)
		}
	}
	return kept
}

// pidKey keeps the secret names of sessions apart from those that clients choose.
func pidKey(pid string) string { return "pid:" + pid }
