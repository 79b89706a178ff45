package redisstream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/rooms"
)

// nodeSessions is the prefix that Node's adapter gives the keys of its sessions, whatever the stream.
const nodeSessions = "sio:session:"

// sessionKey returns where a session is stored.
func (c *Client) sessionKey(key string) string {
	if pid, ok := notify.CutPIDKey(key); ok {
		return nodeSessions + pid
	}
	return c.key("tab:" + digest(key))
}

func (c *Client) voidKey(userID string) string { return c.key("void:" + userID) }

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// record returns what is stored of a session. A server of Node joins the client to its rooms.
func record(s notify.Session, now time.Time) nodewire.Session {
	pid, ok := notify.CutPIDKey(s.Key)
	if !ok {
		pid = digest(s.Key)
	}
	r := nodewire.Session{SID: s.ClientID, PID: pid, Rooms: []string{s.ClientID}}
	if s.UserID != "" {
		r.Rooms = append(r.Rooms, rooms.User(s.UserID))
	}
	for _, room := range slices.Concat(s.Channels, s.Granted) {
		name := room
		if !s.Foreign {
			name = nodeName(room)
		}
		if !slices.Contains(r.Rooms, name) {
			r.Rooms = append(r.Rooms, name)
		}
	}
	r.Data.JSON, _ = s.Data.(json.RawMessage)
	r.Own = &nodewire.Own{UserID: s.UserID, Namespace: s.Namespace, Granted: s.Granted,
		At: now, Void: s.Void, Foreign: s.Foreign}
	if s.Cursor.Epoch == notify.StreamEpoch { // else the client came with one of another log
		r.Own.Cursor = s.Cursor
	}
	if s.Owner != nil {
		r.Own.Node, r.Own.Term = s.Owner.Node, s.Owner.Term
	}
	return r
}

// nodeName returns the name that a hub room has in Node, in its namespace.
func nodeName(room string) string {
	_, name := rooms.Split(room)
	if id, ok := rooms.IsClient(name); ok {
		return id
	}
	return name
}

// fromRecord is the inverse of record. It also reads what Node has written.
func fromRecord(key string, r nodewire.Session) notify.Session {
	s := notify.Session{Key: key, ClientID: r.SID, Data: dataOf(r.Data)}
	own := r.Own
	if own == nil {
		own = &nodewire.Own{Foreign: true}
	} else {
		s.Owner = &notify.Owner{Node: own.Node, Term: own.Term}
	}
	s.UserID, s.Namespace, s.Granted = own.UserID, own.Namespace, own.Granted
	s.Cursor, s.Void, s.Foreign = own.Cursor, own.Void, own.Foreign
	for _, name := range r.Rooms {
		if name == r.SID || s.UserID != "" && name == rooms.User(s.UserID) {
			continue
		}
		if s.Foreign {
			s.Channels = append(s.Channels, name)
			continue
		}
		room := rooms.In(s.Namespace, name)
		isGranted := slices.Contains(s.Granted, room) && !rooms.IsChannel(name) ||
			slices.Contains(s.Granted, rooms.In(s.Namespace, rooms.Client(name)))
		if !isGranted {
			s.Channels = append(s.Channels, room)
		}
	}
	return s
}

// dataOf returns the data of a client as JSON, or nil. Node stores an empty object for none. Data
// with binary parts is none.
func dataOf(v nodewire.Value) any {
	if v.JSON == nil || len(v.Attachments) > 0 || string(v.JSON) == "{}" {
		return nil
	}
	return json.RawMessage(v.JSON)
}
