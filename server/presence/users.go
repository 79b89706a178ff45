// Package presence announces the users and connections that come online and go offline.
package presence

import (
	"container/list"
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

const (
	// presenceChannel is the channel of user:online and user:offline.
	presenceChannel = "presence"
	// presenceDelay is the time from the last disconnect of a user to user:offline, so that
	// reloading a page or changing the network is not announced.
	presenceDelay = 5 * time.Second
)

// presenceEvent is the data of user:online and user:offline.
type presenceEvent struct {
	UserID    string `json:"userId"`
	Username  string `json:"username"`
	Timestamp string `json:"timestamp"`
}

// Users announces in the channel `presence` when a user opens the first connection in "/", and when
// the last one has been closed for a while. The notifications are volatile: a client that missed
// some asks the API for the current state.
type Users struct {
	hub *notify.Hub
	log *zap.Logger

	mu      sync.Mutex
	users   map[string]*presentUser // announced as online; some may have left in the last 5 s
	leaving list.List               // of *presentUser, in the order of their end
	timer   *time.Timer             // for the first of leaving; nil without one
	stopped bool
}

type presentUser struct {
	id, username string
	end          time.Time
	place        *list.Element // in leaving; nil with a connection
}

// AnnounceUsers starts the announcements until Stop.
func AnnounceUsers(hub *notify.Hub, log *zap.Logger) *Users {
	p := &Users{hub: hub, log: log, users: make(map[string]*presentUser)}
	hub.OnAttach(p.update)
	hub.OnDetach(p.update)
	return p
}

// Stop ends the announcements.
func (p *Users) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// update handles an attach or a detach. The calls of two connections may come in either order, so
// update reads the current state from the Hub.
func (p *Users) update(m *notify.Member) {
	id := m.UserID()
	if m.Namespace() != notify.RootNamespace || id == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u, here := p.users[id], p.hub.UserOnline(id)
	switch {
	case p.stopped:
	case u == nil && here:
		u = &presentUser{id: id, username: m.Username()}
		p.users[id] = u
		p.announce("user:online", u)
	case u == nil: // it connected and disconnected before this call
	case here && u.place != nil:
		p.leaving.Remove(u.place)
		u.place = nil
	case !here && u.place == nil:
		u.end = time.Now().Add(presenceDelay)
		u.place = p.leaving.PushBack(u)
		if p.timer == nil {
			p.timer = time.AfterFunc(presenceDelay, p.expire)
		}
	}
}

// expire announces the users whose last connection has been closed for presenceDelay.
func (p *Users) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	for first := p.leaving.Front(); first != nil && !p.stopped; first = p.leaving.Front() {
		u := first.Value.(*presentUser)
		if wait := time.Until(u.end); wait > 0 {
			p.timer = time.AfterFunc(wait, p.expire)
			return
		}
		p.leaving.Remove(first)
		u.place = nil
		if p.hub.UserOnline(u.id) {
			continue // it is back, and its update waits for the lock
		}
		delete(p.users, u.id)
		p.announce("user:offline", u)
	}
}

// announce publishes under the lock, so that the announcements of a user are in order.
func (p *Users) announce(event string, u *presentUser) {
	data, err := json.Marshal(presenceEvent{u.id, u.username, notify.Timestamp(time.Now())})
	if err == nil {
		_, err = p.hub.Publish(context.Background(),
			notify.Notification{Type: event, Data: data, Volatile: true}, notify.ToChannel(presenceChannel))
	}
	if err != nil {
		p.log.Debug("presence not announced", zap.Error(err))
	}
}
