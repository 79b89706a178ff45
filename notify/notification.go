package notify

import (
	"encoding/json"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// Limits of a publish.
const (
	MaxData     = 256 << 10 // bytes of data
	MaxMetadata = 64 << 10  // bytes of metadata
	MaxDepth    = 32        // nested arrays and objects of either
	MaxTargets  = 1000      // users or channels of one target, clients of except
	MaxBatch    = 1000      // publications of one batch
)

// Notification is what a backend publishes.
type Notification struct {
	Type     string          // see rooms.CheckType
	Data     json.RawMessage // any JSON up to MaxData, passed through byte for byte; nil is null
	Metadata json.RawMessage // an object, or nil
	Volatile bool            // to the members that keep up now: not stored, not replayed
	Except   []string        // client ids that do not get it

	// TTL is for how long it is worth a replay, 0 for as long as it is kept. Whoever is connected gets it however
	// late. Not with Volatile, which is never replayed.
	TTL time.Duration

	proof *proof // for Data and Metadata, see SetData
}

// proof is that data and metadata were checked. It is never changed, so copies of a Notification may share it.
type proof struct{ data, metadata strictjson.Checked }

// SetData sets Data to a value that was checked where it came in, so that it is not read again: Publish trusts the
// proof while Data is that very memory. The value is kept; its memory must not change.
func (n *Notification) SetData(v strictjson.Checked) {
	n.Data, n.proof = v.Bytes(), &proof{v, n.known().metadata}
}

// SetMetadata is SetData for Metadata.
func (n *Notification) SetMetadata(v strictjson.Checked) {
	n.Metadata, n.proof = v.Bytes(), &proof{n.known().data, v}
}

// known returns the proof, which may be of nothing.
func (n *Notification) known() proof {
	if n.proof == nil {
		return proof{}
	}
	return *n.proof
}

// Target says who gets a notification. The zero Target is nobody and does not validate; make one with ToUser,
// ToUsers, ToChannel, ToChannels, ToClient or ToAll.
type Target struct {
	kind  string // the name of the field in the HTTP API
	names []string
	many  bool
}

// ToUser targets all connections of a user.
func ToUser(id string) Target { return Target{kind: "user", names: []string{id}} }

// ToUsers targets all connections of up to MaxTargets users.
func ToUsers(ids ...string) Target { return Target{kind: "users", names: ids, many: true} }

// ToChannel targets the members of a channel. Its name is added to the metadata as "channel".
func ToChannel(name string) Target { return Target{kind: "channel", names: []string{name}} }

// ToChannels targets the members of up to MaxTargets channels, each member once. The names are added to the
// metadata as "channels".
func ToChannels(names ...string) Target { return Target{kind: "channels", names: names, many: true} }

// ToClient targets one connection.
func ToClient(id string) Target { return Target{kind: "client", names: []string{id}} }

// ToAll targets every connection of the namespace "/".
func ToAll() Target { return Target{kind: "all"} }

// Publication is one item of a batch.
type Publication struct {
	Notification Notification
	Target       Target
}

// Receipt says what a publish reached. The counts are of this moment and this node, lagging members included;
// nobody online is no error: the notification is kept for replay. Of several users of a target, Users have a
// connection now and Targets - Users have none; of several channels, Channels have a member.
type Receipt struct {
	ID        string `json:"id,omitempty"` // empty for a volatile one
	Delivered int    `json:"delivered"`    // connections
	Users     int    `json:"users"`        // distinct users among them
	Channels  int    `json:"channels"`     // channels of the target with a member
	Targets   int    `json:"-"`            // users, channels or clients that the target names, each once; 1 for all
	Stored    bool   `json:"stored"`
}

// Result is the outcome of one item of a batch: Err is a *ValidationError or nil.
type Result struct {
	Receipt Receipt
	Err     error
}

// ValidationError is a publish that breaks a rule; nothing was sent. Its text is made for the sender.
type ValidationError struct {
	Field  string // such as "data" or "target.users[3]"
	Reason string // what came and what is expected
}

// Error returns the field and the reason.
func (e *ValidationError) Error() string { return e.Field + ": " + e.Reason }
