package hooks

import (
	"slices"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/presence"
)

// observe makes the hub report what the events are about, and nothing else: each observer costs
// every connection, or every publish, something.
func (w *Webhooks) observe() {
	w.channels = presence.NewTracker(vacatedDelay, w.hub.ChannelOccupied,
		presence.OneNode(w.hub, w.channel))
	w.opened.members = make(map[connectionKey]*notify.Member)
	if w.wants[connectionOpened] || w.wants[connectionClosed] {
		w.hub.OnAttach(w.attached)
		w.hub.OnDetach(w.detached)
	}
	if w.wants[channelOccupied] || w.wants[channelVacated] {
		w.hub.OnRoomChange(w.roomChanged)
		w.hub.WatchChannels(w.channels.Watch)
	}
	if w.wants[undelivered] {
		w.hub.OnUndelivered(w.undelivered)
	}
}

// User emits user.online and user.offline.
func (w *Webhooks) User(c presence.Change) {
	data := newObject(128).text("userId", c.Key).text("username", c.Label)
	w.change(userOnline, userOffline, c, data)
}

// channel emits channel.occupied and channel.vacated.
func (w *Webhooks) channel(c presence.Change) {
	w.change(channelOccupied, channelVacated, c, newObject(128).text("channel", c.Key))
}

// change emits one of two events. The Tracker calls it one at a time.
func (w *Webhooks) change(present, absent string, c presence.Change, data object) {
	name := absent
	if c.Present {
		name = present
	}
	if w.wants[name] {
		w.emit(name, time.Now(), data.text("since", notify.Timestamp(c.Since)))
	}
}

// roomChanged updates the channels of "/".
func (w *Webhooks) roomChanged(c notify.RoomChange) {
	if c.Kind != notify.RoomCreated && c.Kind != notify.RoomDeleted {
		return
	}
	namespace, name := rooms.Split(c.Room)
	if namespace == notify.RootNamespace && rooms.IsChannel(name) {
		w.channels.Update(name, "")
	}
}

// openConnections are the members of which connection.opened was emitted and connection.closed was
// not. The Hub calls its observers without a lock: the end of a member may be reported before its
// begin, and the begin of the member that takes over its id before its end. The receiver gets the
// events of an id in order and in pairs all the same.
type openConnections struct {
	mu      sync.Mutex // held while events are emitted
	members map[connectionKey]*notify.Member
}

type connectionKey struct{ namespace, id string }

func keyOf(m *notify.Member) connectionKey { return connectionKey{m.Namespace(), m.ClientID()} }

func (w *Webhooks) attached(m *notify.Member) {
	w.opened.mu.Lock()
	defer w.opened.mu.Unlock()
	key := keyOf(m)
	connected, last := w.hub.Member(key.namespace, key.id), w.opened.members[key]
	switch {
	case last == nil:
	case last == connected: // m has ended and its successor was reported first
		return
	default: // its end will be reported
		delete(w.opened.members, key)
		w.connectionClosed(last)
	}
	w.connectionOpened(m)
	if m == connected {
		w.opened.members[key] = m
	} else {
		w.connectionClosed(m)
	}
}

func (w *Webhooks) detached(m *notify.Member) {
	w.opened.mu.Lock()
	defer w.opened.mu.Unlock()
	if key := keyOf(m); w.opened.members[key] == m {
		delete(w.opened.members, key)
		w.connectionClosed(m)
	}
}

func (w *Webhooks) connectionOpened(m *notify.Member) {
	if w.wants[connectionOpened] {
		w.emit(connectionOpened, m.ConnectedAt(),
			connectionObject(m).bool("recovered", m.Recovered()))
	}
}

func (w *Webhooks) connectionClosed(m *notify.Member) {
	if !w.wants[connectionClosed] {
		return
	}
	now, reason := time.Now(), "forced close"
	if owner, ok := m.Owner().(interface{ EndReason() string }); ok {
		reason = owner.EndReason()
	}
	w.emit(connectionClosed, now, connectionObject(m).text("reason", reason).
		text("connectedAt", notify.Timestamp(m.ConnectedAt())).
		number("durationMs", max(0, now.Sub(m.ConnectedAt()).Milliseconds())))
}

// connectionObject begins the data of an event about a connection.
func connectionObject(m *notify.Member) object {
	c := newObject(192).text("id", m.ClientID()).text("namespace", m.Namespace())
	if m.UserID() != "" {
		c = c.text("userId", m.UserID())
	}
	if m.Username() != "" {
		c = c.text("username", m.Username())
	}
	return newObject(320).raw("connection", c.text("transport", m.Transport()).end())
}

const (
	// maxUnreached is how many names one notification.undelivered has; further ones have an event
	// of their own.
	maxUnreached = 100
	// maxShown is how many bytes of a notification it has.
	maxShown = 16 << 10
)

// undelivered emits notification.undelivered.
func (w *Webhooks) undelivered(u notify.Undelivered) {
	reason := "unconnected"
	if u.Asked > 0 {
		reason = "unacknowledged"
	}
	message := notificationObject(u.Message)
	for names := range slices.Chunk(u.Rooms, maxUnreached) {
		data := newObject(len(message)+256).text("reason", reason).
			text("namespace", u.Message.Namespace).raw("notification", message).
			raw("unreached", unreachedObject(names))
		if u.Asked > 0 {
			data = data.number("asked", int64(u.Asked))
		}
		w.emit(undelivered, time.Now(), data)
	}
}

// notificationObject returns the JSON of a message. A large one has no data and no metadata.
func notificationObject(m *notify.Message) []byte {
	size := len(m.Data) + len(m.Args) + len(m.Metadata)
	if size <= maxShown {
		return m.AppendJSON(nil)
	}
	o := newObject(256)
	if !m.Volatile {
		o = o.text("id", m.ID.String())
	}
	return o.text("type", m.Type).text("timestamp", notify.Timestamp(m.Timestamp)).
		number("omittedBytes", int64(size)).end()
}

// unreachedObject returns hub rooms of one namespace by their kind.
func unreachedObject(hubRooms []string) []byte {
	var users, channels, clients []string
	o := newObject(256)
	for _, room := range hubRooms {
		_, name := rooms.Split(room)
		if id, ok := rooms.IsUser(name); ok {
			users = append(users, id)
		} else if id, ok := rooms.IsClient(name); ok {
			clients = append(clients, id)
		} else if name == rooms.All {
			o = o.bool("all", true)
		} else {
			channels = append(channels, name)
		}
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{"users", users}, {"channels", channels}, {"clients", clients}} {
		if len(list.names) > 0 {
			o = o.raw(list.key, notify.AppendStrings(nil, list.names))
		}
	}
	return o.end()
}
