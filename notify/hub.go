package notify

import (
	"context"
	"errors"
	"time"
)

// Options are the bounds of a Hub. The zero value of a field is its default.
type Options struct {
	HistorySize     int           // messages kept per room (256)
	HistoryTTL      time.Duration // and for how long (5 m)
	HistoryMaxBytes int64         // estimated bytes of all that is kept (64 MiB)
	SessionTTL      time.Duration // how long a session outlives its member (5 m)
	MaxSessions     int           // sessions kept without a member; the oldest goes first (20,000)
	MaxReplay       int           // messages replayed at one resume; the newest are (1000)
	Now             func() time.Time
}

// Hub joins the log and the members.
type Hub struct{}

// New returns a Hub that follows log.
func New(log Log, o Options) *Hub { return &Hub{} }

// Close ends the Hub's sweeper.
func (h *Hub) Close() {}

var errTODO = errors.New("not built yet")

// Publish validates and publishes.
func (h *Hub) Publish(ctx context.Context, n Notification, t Target) (Receipt, error) {
	return Receipt{}, errTODO
}

// PublishBatch publishes all valid items with one append.
func (h *Hub) PublishBatch(ctx context.Context, items []Publication) ([]Result, error) {
	return nil, errTODO
}

// Deliver is the low-level publish.
func (h *Hub) Deliver(ctx context.Context, m *Message) (Receipt, error) { return Receipt{}, errTODO }

// Validate checks the target.
func (t Target) Validate() error { return errTODO }

// Attach makes a member.
func (h *Hub) Attach(a Attachment) (*Member, error) { return nil, errTODO }

// Covers reports whether a member attached now with a's Resume would miss nothing (no gap).
func (h *Hub) Covers(a Attachment) bool { return false }

func (h *Hub) JoinChannels(m *Member, names []string, may func(string) bool, limit int) (joined, denied []string) {
	return nil, nil
}
func (h *Hub) LeaveChannels(m *Member, names []string) []string { return nil }
func (h *Hub) Member(namespace, clientID string) *Member        { return nil }
func (h *Hub) Match(rooms, except []string) []*Member           { return nil }
func (h *Hub) Members() []*Member                               { return nil }
func (h *Hub) IsClientID(name string) bool                      { return false }
func (h *Hub) Total() int                                       { return 0 }
func (h *Hub) Stats() Stats                                     { return Stats{} }
func (h *Hub) UserOnline(id string) bool                        { return false }
func (h *Hub) ConnectionsOf(id string) int                      { return 0 }
func (h *Hub) Head() ID                                         { return ID{} }
func (h *Hub) OnAttach(f func(*Member))                         {}
func (h *Hub) OnDetach(f func(*Member))                         {}
func (h *Hub) Sweep(now time.Time)                              {}
func (h *Hub) Session(key string) (Session, bool)               { return Session{}, false }
func (h *Hub) ForgetSession(key string)                         {}

type MemoryLog struct{ Log }

// NewMemoryLog returns an empty log of a random epoch.
func NewMemoryLog() *MemoryLog { return nil }

// Session is what is kept of a member for its next connection.
type Session struct {
	Key, UserID, ClientID, Namespace string
	Channels                         []string // hub rooms that are channels
	Cursor                           ID       // at attach
	Expires                          time.Time
}

// Stats are counts of the moment and totals since the start.
type Stats struct {
	Total        int            // connections in "/"
	Members      int            // members of all namespaces
	Users        int            // users with a connection in "/"
	ByTransport  map[string]int // connections in "/" by transport
	Channels     int            // channels with a member, all namespaces
	Rooms        int            // rooms with a member or history
	Lagging      int
	Sessions     int    // kept without a member
	Published    uint64 // messages, volatile ones included
	Delivered    uint64 // sum of Receipt.Delivered
	History      int    // messages kept
	HistoryBytes int64
}
