package verify

import (
	"context"
	"errors"
	"net/http"
)

const (
	stickySessions = 3
	stickyRequests = 6 // after the handshake; a balancer that takes turns misses with the first
)

// sticky checks that all requests of a polling session reach the server that has it.
func (r *run) sticky(ctx context.Context) {
	r.begin("sticky")
	if !r.works[polling] && (r.faults["path"] || r.faults["host"]) {
		r.skip("%s does not work", r.o.SocketIOPath)
		return
	}
	unknown, requests, ids := 0, 0, map[string]bool{}
	for look := range 2 {
		lost := 0
		for range stickySessions {
			id, sent, err := r.session(ctx)
			requests += sent
			switch {
			case id != "" && ids[id]:
				r.fault("cache", "two handshakes got the same session: the proxy answers from a cache")
				return
			case isUnknownSession(err):
				lost++
			case err != nil:
				r.note("a session of polling ended: %v", err)
				return
			}
			ids[id] = true
		}
		unknown += lost
		if lost == 0 { // none, or one that a restart of the server explains
			if look > 0 {
				r.note("one session was unknown, and no later one: the server may have restarted")
				return
			}
			break
		}
	}
	if unknown > 0 {
		r.fault("sticky", "%d of %d polling sessions were unknown to the server that got their next "+
			"request: the balancer sends one session to several nodes", unknown, 2*stickySessions)
		r.works[polling] = false
		return
	}
	r.ok("%d requests of %d sessions reached the server that has the session",
		requests, stickySessions)
}

// session opens a session and sends requests over new connections.
func (r *run) session(ctx context.Context) (id string, sent int, err error) {
	s, err := r.newSession(ctx)
	if err != nil {
		return "", 0, err
	}
	defer s.close(ctx)
	id = s.query.Get("sid")
	for range stickyRequests {
		var refused *refusedError
		_, err = s.send(ctx, http.MethodPost, "3") // a pong, which has no effect
		if errors.As(err, &refused) && refused.later() {
			err = nil
		}
		if err != nil {
			return id, sent, err
		}
		sent++
	}
	return id, sent, nil
}
