package presence

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

const (
	// calmUpdates is the number of connections above which updates are limited in rate.
	calmUpdates = 100
	// updateInterval is the time between two updates then; only the newest is sent.
	updateInterval = time.Second
)

type connectionUpdate struct {
	Type             string `json:"type"` // "new-connection" or "disconnection"
	ClientID         string `json:"clientId"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	TotalConnections int    `json:"totalConnections"`
}

// Connections sends connection-update to all connections, of both transports, when one opens or
// closes.
type Connections struct {
	hub *notify.Hub
	log *zap.Logger

	mu      sync.Mutex
	newest  *connectionUpdate
	next    time.Time
	timer   *time.Timer
	stopped bool
}

// AnnounceConnections starts the updates until Stop.
func AnnounceConnections(hub *notify.Hub, log *zap.Logger) *Connections {
	u := &Connections{hub: hub, log: log}
	hub.OnAttach(func(m *notify.Member) { u.update("new-connection", m) })
	hub.OnDetach(func(m *notify.Member) { u.update("disconnection", m) })
	return u
}

// Stop ends the updates.
func (u *Connections) Stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = true
	if u.timer != nil {
		u.timer.Stop()
	}
}

func (u *Connections) update(what string, m *notify.Member) {
	if m.Namespace() != notify.RootNamespace {
		return
	}
	update := &connectionUpdate{Type: what, ClientID: m.ClientID(), UserID: m.UserID(), Username: m.Username()}
	if update.UserID == "" {
		update.UserID = auth.Anonymous
	}
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	update.TotalConnections = u.hub.Total() // under the lock, so that the last update is right
	switch {
	case u.stopped:
	case update.TotalConnections <= calmUpdates || !now.Before(u.next):
		u.newest, u.next = nil, now.Add(updateInterval)
		u.publish(update)
	case u.newest != nil:
		u.newest = update
	default:
		u.newest = update
		u.timer = time.AfterFunc(u.next.Sub(now), u.flush)
	}
}

func (u *Connections) flush() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped || u.newest == nil {
		return
	}
	update := u.newest
	u.newest, u.next = nil, time.Now().Add(updateInterval)
	u.publish(update)
}

// publish sends an update. It is volatile: a client that reconnects gets the next one, which is
// complete. In a cluster each node tells its own clients of its own connections: it limits the rate
// for these, and clients of servers on Node do not expect updates.
func (u *Connections) publish(update *connectionUpdate) {
	data, err := json.Marshal(update)
	if err == nil {
		_, err = u.hub.Deliver(context.Background(), &notify.Message{
			Namespace: notify.RootNamespace, Rooms: []string{rooms.All}, Type: "connection-update",
			Data: data, Volatile: true, Local: true, Bare: true,
		})
	}
	if err != nil {
		u.log.Debug("connection-update not sent", zap.Error(err))
	}
}
