package notify

import "time"

// Attachment is what a transport tells of a connection.
type Attachment struct {
	ClientID, UserID, Username, Namespace, Transport string

	Rooms      []string            // extra hub rooms (channels); "*", client:<id> and, in "/", user:<id> are joined by Attach
	Resume     *Cursor             // nil: from now
	Session    string              // key under which the session is kept; "" = none
	Wake       func()              // never blocks; any goroutine, also after Detach
	Disconnect func(reason string) // never blocks
	Owner      any                 // the transport's own object
}

type Member struct{}

func (m *Member) Pull(buf []Delivery) int  { return 0 }
func (m *Member) Cursor() ID               { return ID{} }
func (m *Member) Join(rooms ...string)     {}
func (m *Member) Leave(rooms ...string)    {}
func (m *Member) Rooms() []string          { return nil }
func (m *Member) In(room string) bool      { return false }
func (m *Member) Detach()                  {}
func (m *Member) Void()                    {}
func (m *Member) Disconnect(reason string) {}
func (m *Member) ClientID() string         { return "" }
func (m *Member) UserID() string           { return "" }
func (m *Member) Username() string         { return "" }
func (m *Member) Namespace() string        { return "" }
func (m *Member) Transport() string        { return "" }
func (m *Member) SetTransport(name string) {}
func (m *Member) ConnectedAt() time.Time   { return time.Time{} }
func (m *Member) Owner() any               { return nil }
func (m *Member) Pending() int             { return 0 }
func (m *Member) Lagging() bool            { return false }

// Delivery is one thing to write: exactly one field is set.
type Delivery struct {
	Message  *Message
	Gap      *Gap
	Recovery *Recovery
}

// Gap tells that messages after From up to To may be missing.
type Gap struct {
	From   string   `json:"from"`
	To     string   `json:"to"`
	Rooms  []string `json:"rooms"`
	Reason string   `json:"reason"`
	ID     ID       `json:"-"` // what goes out as the id
}

// Recovery ends the replay of a resumed member.
type Recovery struct {
	Recovered bool   `json:"recovered"`
	Replayed  int    `json:"replayed"`
	From      string `json:"from"`
	To        string `json:"to"`
}
