package socketio

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// retireTimeout is how long a client waits for its own former connection to end.
const retireTimeout = 2 * time.Second

// resumeFrom decides how a client that was here before goes on. given is its
// CONNECT payload, forwarded is what the library will get.
func (p *peer) resumeFrom(given, forwarded map[string]any) {
	s := p.link.srv
	if !s.opts.recovery() {
		return
	}
	pid, _ := given["pid"].(string)
	offset, _ := given["offset"].(string)
	since := offset
	var session notify.Session
	known := false
	if pid != "" {
		session, known = s.hub.Session(pidKey(pid))
		known = known && session.UserID == p.identity.RoomUser() && session.Namespace == p.namespace
	}
	if known {
		if since == "" {
			since = session.Cursor.String()
		}
		p.channels, p.granted = p.permitted(session.Channels), session.Granted
		known = s.retire(p.namespace, session.ClientID)
	}
	if since == "" {
		since = p.credentials.Since
	}
	if since == "" {
		return
	}
	cursor := notify.ParseCursor(since)
	p.resume = &cursor
	if !known {
		return
	}
	p.clientID = session.ClientID
	if s.hub.Covers(p.attachment()) {
		p.recovered, p.pid = true, pid
		if retired, ok := s.hub.Session(pidKey(pid)); ok { // anew: the connection that was retired has left its data there
			p.data = retired.Data
		}
		forwarded["pid"], forwarded["offset"] = pid, since
	} else {
		s.hub.ForgetSession(pidKey(pid))
	}
}

// claim makes p the one connection that resumes a session. A second one waits
// until the first is in, to replace it then.
func (s *Server) claim(pid string, p *peer) bool {
	ctx, cancel := context.WithTimeout(p.link.session.Context(), s.opts.ConnectTimeout)
	defer cancel()
	for {
		other, taken := s.restoring.LoadOrStore(pid, p)
		if !taken {
			return true
		}
		select {
		case <-other.(*peer).settled:
			s.restoring.CompareAndDelete(pid, other)
		case <-other.(*peer).link.session.Context().Done():
			s.restoring.CompareAndDelete(pid, other)
		case <-ctx.Done():
			return false
		}
	}
}

// retire closes the connection that still holds a client id which is to be
// resumed: the newest connection wins. It waits until the library has let go of
// the old one, and reports whether it did: a handler that runs on keeps the id.
func (s *Server) retire(namespace, clientID string) bool {
	old := s.peers.get(namespace, clientID)
	if old == nil {
		return true
	}
	old.link.end("resumed by another connection")
	timeout := time.NewTimer(retireTimeout)
	defer timeout.Stop()
	select {
	case <-old.gone:
		return true
	case <-timeout.C:
		return false
	}
}
