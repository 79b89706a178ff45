// Package presence tracks what comes and goes, and announces users and connections.
package presence

import (
	"context"
	"encoding/json"
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
// some asks the API for the current state. In a cluster the connections of all nodes count, and
// each node tells its own members.
type Users struct {
	hub     *notify.Hub
	log     *zap.Logger
	observe func(Change) // of OneNode; nil: nobody
	tracker *Tracker
}

// AnnounceUsers starts the announcements until Stop. observe, which may be nil, gets the same
// changes, one at a time, with the id of the user as the key and the name as the label. It must not
// block. In a cluster the observer of one node gets them, see OneNode.
func AnnounceUsers(hub *notify.Hub, log *zap.Logger, observe func(Change)) *Users {
	u := &Users{hub: hub, log: log}
	if observe != nil {
		u.observe = OneNode(hub, observe)
	}
	u.tracker = NewTracker(presenceDelay, hub.UserOnline, u.changed)
	hub.OnAttach(u.update)
	hub.OnDetach(u.update)
	hub.WatchUsers(u.tracker.Watch)
	return u
}

// Stop ends the announcements.
func (u *Users) Stop() { u.tracker.Stop() }

// update handles an attach or a detach.
func (u *Users) update(m *notify.Member) {
	if id := m.UserID(); m.Namespace() == notify.RootNamespace && id != "" {
		u.tracker.Update(id, m.Username())
	}
}

// changed announces a change. The Tracker calls it one at a time, so the announcements of a user
// are in order.
func (u *Users) changed(c Change) {
	event := "user:offline"
	if c.Present {
		event = "user:online"
	}
	data, err := json.Marshal(presenceEvent{c.Key, c.Label, notify.Timestamp(time.Now())})
	if err == nil {
		_, err = u.hub.Publish(context.Background(),
			notify.Notification{Type: event, Data: data, Volatile: true, Local: true},
			notify.ToChannel(presenceChannel))
	}
	if err != nil {
		u.log.Debug("presence not announced", zap.Error(err))
	}
	if u.observe != nil {
		u.observe(c)
	}
}
