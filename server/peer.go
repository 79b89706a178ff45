package server

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/engineio"
)

// peer is one client in one namespace, from its CONNECT to its end: the
// library's Socket and the Hub's member side by side.
type peer struct {
	link        *link
	namespace   string
	identity    auth.Identity
	renewed     renewal // what auth:refresh changed
	credentials auth.Credentials
	clientID    string   // the id that is resumed; else the library's
	pid         string   // the secret name of the session
	recovered   bool     // nothing was missed
	channels    []string // hub rooms of the session that is resumed, as far as the client may join them
	granted     []string // those that the server put it into
	resume      *notify.Cursor
	as          [][]byte // quoted names for notifications; nil stands for their own

	open   bool // the CONNECT reply is on the wire; the link's lock guards it
	warned bool // auth:expiring was sent; the sweep's own

	mu     sync.Mutex
	socket *socket.Socket
	member *notify.Member

	settled chan struct{} // the library has joined or refused
	gone    chan struct{} // the library has let go
	once    struct{ settle, forget sync.Once }
}

func newPeer(l *link, namespace string, identity auth.Identity, c auth.Credentials) *peer {
	p := &peer{
		link: l, namespace: namespace, identity: identity, credentials: c,
		pid:     rand.Text(),
		settled: make(chan struct{}), gone: make(chan struct{}),
	}
	names := c.As
	if len(names) == 0 {
		names = l.srv.opts.As
	}
	p.as = quotedNames(names)
	return p
}

// quotedNames prepares `as`: nil when notifications keep their own names only.
func quotedNames(names []string) [][]byte {
	var quoted [][]byte
	renames := false
	for _, name := range names {
		if name == "type" {
			quoted = append(quoted, nil)
			continue
		}
		quoted, renames = append(quoted, quote(name)), true
	}
	if !renames {
		return nil
	}
	return quoted
}

func (p *peer) sock() *socket.Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.socket
}

// attach puts the client into the Hub. Its member is paused until the CONNECT
// reply is on the wire, since live notifications could overtake it.
func (p *peer) attach(sock *socket.Socket) error {
	p.clientID = string(sock.Id())
	member, err := p.link.srv.hub.Attach(p.attachment())
	if err != nil {
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
		Rooms: p.startRooms(), Granted: p.granted, Resume: p.resume, Sessions: p.sessionKeys(pid),
		Wake: l.session.Wake, Disconnect: p.ordered, Owner: p,
	}
}

// sessionKeys are the names under which the client's rooms are kept: the secret
// pid, and the tab that it says it is.
func (p *peer) sessionKeys(pid string) (keys []string) {
	if pid != "" {
		keys = append(keys, pid)
	}
	if p.namespace == rootNamespace && p.credentials.SessionID != "" {
		keys = append(keys, notify.TabKey(p.identity.RoomUser(), p.credentials.SessionID))
	}
	return keys
}

// startRooms are the channels of a connection at its start: the default ones,
// those it asked for and those of the session it resumes, as far as the identity
// of today may join them.
func (p *peer) startRooms() []string {
	names := slices.Clone(p.channels)
	if p.namespace != rootNamespace || p.link.srv.opts.Plain {
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

// welcome is the CONNECT reply, and `connected` right behind it.
func (p *peer) welcome() []reply {
	sid := p.sock().Id()
	data := struct {
		Sid socket.SocketId `json:"sid"`
		Pid string          `json:"pid,omitempty"`
	}{Sid: sid}
	if p.link.srv.opts.recovery() {
		data.Pid = p.pid
	}
	text, _, _ := encodePacket(kindConnect, p.namespace, nil, data) // two strings always encode
	replies := []reply{{frame: newFrame(text), opens: true, peer: p, size: len(text)}}
	if p.namespace == rootNamespace && !p.link.srv.opts.Plain {
		replies = append(replies, p.eventReply("connected", connectedEvent{
			Type: "connected", ClientID: string(sid), SocketID: string(sid),
			UserID: p.identity.UserID, Username: p.identity.Username,
			Timestamp: timestamp(time.Now()), TotalConnections: p.link.srv.hub.Total(), Recovered: p.recovered,
		}))
	}
	return replies
}

// session is what the library restores for a client that missed nothing. The
// rooms and the missed notifications are the Hub's, so it is given none.
func (p *peer) session() *socket.Session {
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: socket.SocketId(p.clientID), Pid: socket.PrivateSessionId(p.pid),
		Rooms: types.NewSet[socket.Room](),
	}}
}

// ordered ends the connection because the server or the API says so.
func (p *peer) ordered(string) {
	p.link.srv.workers.Go(func() {
		defer p.link.srv.recovered("disconnect handler", nil)
		if sock := p.sock(); sock != nil {
			sock.Disconnect(true)
		}
	})
}

// settle ends the wait for the library to join or refuse.
func (p *peer) settle() { p.once.settle.Do(func() { close(p.settled) }) }

// awaitJoin waits until the library has decided on a CONNECT. A middleware that
// never calls next keeps only its own client waiting, and not for ever.
func (p *peer) awaitJoin() {
	timeout := time.NewTimer(p.link.srv.opts.ConnectTimeout)
	defer timeout.Stop()
	select {
	case <-p.settled:
	case <-p.link.session.Context().Done():
	case <-timeout.C:
		p.link.session.Close("forced close")
	}
}

// detach takes the member out of the Hub; its session stays for a while.
func (p *peer) detach() {
	if m := p.hubMember(); m != nil {
		m.Detach()
	}
}

// void makes the session unusable.
func (p *peer) void() {
	if m := p.hubMember(); m != nil {
		m.Void()
	}
}

func (p *peer) hubMember() *notify.Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.member
}

// forget ends the peer on every side. The library can leave a Socket behind in
// its namespace when a transport goes while it joins, so it is removed again.
func (p *peer) forget() {
	p.once.forget.Do(func() {
		p.detach()
		if sock := p.sock(); sock != nil && sock.Disconnected() {
			sock.Nsp().Remove(sock)
		}
		p.link.removePeer(p)
		close(p.gone)
	})
}

// guard keeps a panic of a "disconnect" handler inside this client: the library
// runs them on goroutines of its own.
func (p *peer) guard() {
	if sock := p.sock(); sock != nil {
		p.link.srv.guardListeners(sock, "disconnecting", "disconnect")
	}
}

func newFrame(text []byte) *engineio.Frame { return engineio.NewFrame(text) }
