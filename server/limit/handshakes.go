package limit

import (
	"container/list"
	"net/http"
	"net/netip"
	"time"
)

// handshakeTime is the time for which a connection that has not authenticated keeps its place when
// all places are taken. A client that connects sends its credentials at once.
const handshakeTime = time.Second

// handshakes are the connections that have not authenticated yet.
type handshakes struct {
	waiting list.List // of *handshake, the oldest first
	from    map[netip.Addr]int
}

type handshake struct {
	ip      netip.Addr
	since   time.Time
	giveWay func() // nil: it cannot
	place   *list.Element
}

func (h *handshakes) add(w *handshake) {
	w.place = h.waiting.PushBack(w)
	change(h.from, w.ip, 1)
}

// remove may be called again.
func (h *handshakes) remove(w *handshake) {
	if w.place != nil {
		h.waiting.Remove(w.place)
		w.place = nil
		change(h.from, w.ip, -1)
	}
}

// mayRemove returns the connection that has to give way to w: the one that has waited longest, if it
// has had enough time, else one of an address that has more than that of w would have. It returns nil
// if there is none.
func (h *handshakes) mayRemove(w *handshake) *handshake {
	if h.waiting.Len() == 0 {
		return nil
	}
	oldest := h.waiting.Front().Value.(*handshake)
	if oldest.giveWay != nil && w.since.Sub(oldest.since) >= handshakeTime {
		return oldest
	}
	return h.crowding(w.ip)
}

// crowding returns the connection that has waited longest of the address with the most, if that has
// more than ip would have with another one.
func (h *handshakes) crowding(ip netip.Addr) *handshake {
	crowd, most := netip.Addr{}, h.from[ip]+1
	for address, n := range h.from {
		if n > most && address.IsValid() {
			crowd, most = address, n
		}
	}
	for e := h.waiting.Front(); e != nil && crowd.IsValid() && ip.IsValid(); e = e.Next() {
		if w := e.Value.(*handshake); w.ip == crowd && w.giveWay != nil {
			return w
		}
	}
	return nil
}

// PreAuth counts a connection that has not authenticated yet. At most a tenth of MaxConnections (at
// least 16) may be in that state, so that connections that never authenticate leave room for users,
// and half of that from one address, so that they leave room for other addresses. When all places
// are taken, the connection that has waited longest loses its place if it has had a second, or else
// one of the address with the most, if that has more than ip would have: its giveWay is called, which
// must not block, and nil means that it cannot. Call release after authentication.
func (l *Limiter) PreAuth(ip netip.Addr, giveWay func()) (release func(), err error) {
	w := &handshake{ip: Bucket(ip), since: time.Now(), giveWay: giveWay}
	removed, err := l.addHandshake(w)
	if removed != nil {
		removed()
	}
	if err != nil {
		return nil, err
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.handshakes.remove(w)
	}, nil
}

// addHandshake counts a connection. It returns the giveWay of the one that has lost its place.
func (l *Limiter) addHandshake(w *handshake) (removed func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.handshakes.waiting.Len()
	switch o := l.options; {
	case o.Memory.refuses():
		return nil, processError("memory")
	case o.Descriptors.refuses(l.connections + waiting):
		return nil, processError("files")
	}
	if limit := l.options.MaxConnections; limit > 0 {
		limit = max(16, limit/10)
		share := max(16, limit/2)
		var oldest *handshake
		if waiting >= limit {
			if oldest = l.handshakes.mayRemove(w); oldest == nil {
				return nil, overError("handshakes", limit, http.StatusServiceUnavailable, 2*time.Second)
			}
		}
		if w.ip.IsValid() && l.handshakes.from[w.ip] >= share {
			return nil, overError("handshakes", share, http.StatusTooManyRequests, 2*time.Second)
		}
		if oldest != nil {
			l.handshakes.remove(oldest)
			removed = oldest.giveWay
		}
	}
	l.handshakes.add(w)
	return removed, nil
}
