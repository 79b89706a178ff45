package socketio

import (
	"sync"

	"github.com/zishang520/socket.io/v2/socket"
)

// peers are all peers that the library may still act on, by namespace and client
// id. The library cleans up by that id alone, so an id is given to a new connection
// only when the old peer has left this table.
type peers struct {
	mu  sync.Mutex
	all map[peerKey]*peer
}

type peerKey struct{ namespace, clientID string }

func (t *peers) get(namespace, clientID string) *peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[peerKey{namespace, clientID}]
}

// of is the peer of a Socket that was intercepted.
func (t *peers) of(sock *socket.Socket) *peer {
	p := t.get(sock.Nsp().Name(), string(sock.Id()))
	if p == nil || p.sock() != sock {
		return nil
	}
	return p
}

// add reports false when the id is still another peer's.
func (t *peers) add(p *peer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = make(map[peerKey]*peer)
	}
	key := peerKey{p.namespace, p.clientID}
	if t.all[key] != nil {
		return false
	}
	t.all[key] = p
	return true
}

func (t *peers) remove(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := (peerKey{p.namespace, p.clientID}); t.all[key] == p {
		delete(t.all, key)
	}
}
