// Package presence announces which users and connections come and go.
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
	// presenceChannel is where it is told which users come online and go offline.
	presenceChannel = "presence"
	// presenceDelay is how long the last connection of a user must be gone: a page
	// that is loaded anew, or a phone that changes its network, is no absence.
	presenceDelay = 5 * time.Second
)

// presenceEvent is the data of user:online and user:offline.
type presenceEvent struct {
	UserID    string `json:"userId"`
	Username  string `json:"username"`
	Timestamp string `json:"timestamp"`
}

// Users tells the channel `presence` when a user has a first connection in "/"
// and when the last one has been gone for a while. The notifications are volatile:
// who missed some asks the API how things are.
type Users struct {
	hub *notify.Hub
	log *zap.Logger

	mu      sync.Mutex
	users   map[string]*presentUser // told to be online: as many as are, and who left in the last 5 s
	leaving list.List               // of *presentUser, in the order of their end
	timer   *time.Timer             // for the first of leaving; nil when there is none
	stopped bool
}

type presentUser struct {
	id, username string
	end          time.Time
	place        *list.Element // in leaving; nil with a connection
}

// AnnounceUsers starts it; the caller stops it.
func AnnounceUsers(hub *notify.Hub, log *zap.Logger) *Users {
	p := &Users{hub: hub, log: log, users: make(map[string]*presentUser)}
	hub.OnAttach(p.look)
	hub.OnDetach(p.look)
	return p
}

func (p *Users) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// look follows a coming or going. The calls of two connections may come in either
// order, so it goes by what the Hub says now and not by what happened.
func (p *Users) look(m *notify.Member) {
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
		p.tell("user:online", u)
	case u == nil: // it came and went before we looked
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

// expire tells who has been gone for long enough.
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
			continue // it is back, and its look waits for us
		}
		delete(p.users, u.id)
		p.tell("user:offline", u)
	}
}

// tell publishes under the lock, so that what is told of a user comes in order.
func (p *Users) tell(what string, u *presentUser) {
	data, err := json.Marshal(presenceEvent{u.id, u.username, notify.Timestamp(time.Now())})
	if err == nil {
		_, err = p.hub.Publish(context.Background(),
			notify.Notification{Type: what, Data: data, Volatile: true}, notify.ToChannel(presenceChannel))
	}
	if err != nil {
		p.log.Debug("presence was not told", zap.Error(err))
	}
}
