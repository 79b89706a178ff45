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
	MaxDepth    = 32        // levels of arrays and objects in either
	MaxTargets  = 1000      // users or channels in a target, clients in except
	MaxBatch    = 1000      // publications in a batch
)

// Notification is a message of a backend to users, channels or clients.
type Notification struct {
	Type string // see rooms.CheckType

	// Data is any JSON up to MaxData; nil is null. The Hub sends it byte for byte, except that JSON
	// with line breaks loses the space between its tokens: clients get one line. Metadata is an
	// object up to MaxMetadata, or nil, with the same rule. The limits count the bytes before that.
	Data, Metadata json.RawMessage

	Volatile bool     // for members that do not lag; neither stored nor replayed
	Local    bool     // with Volatile: for members of this node of a cluster only
	Except   []string // client ids that do not get the notification

	// TTL limits the replay: a client that connects later than TTL does not get the notification.
	// Connected clients get it at any time. 0 is no limit. A volatile notification has no TTL.
	TTL time.Duration

	// Retain keeps the notification as the newest of its type: each connection that joins the
	// channel, or connects as the user, later gets it first, with "retained":true in its metadata,
	// until another one of the type replaces it, its TTL is over or DeleteRetained removes it. The
	// target must be one channel or one user.
	Retain bool

	proof *proof // for Data and Metadata; see SetData
}

// proof has data and metadata as strictjson has checked them. It is immutable: copies of a
// Notification share it.
type proof struct{ data, metadata strictjson.Checked }

// SetData sets Data to a value that strictjson has checked. Publish does not check it again as long
// as Data is the same memory. The Hub keeps the value: its memory must not change.
func (n *Notification) SetData(v strictjson.Checked) {
	n.Data, n.proof = v.Bytes(), &proof{v, n.known().metadata}
}

// SetMetadata is SetData for Metadata.
func (n *Notification) SetMetadata(v strictjson.Checked) {
	n.Metadata, n.proof = v.Bytes(), &proof{n.known().data, v}
}

// known returns the proof. Its values are zero for what strictjson has not checked.
func (n *Notification) known() proof {
	if n.proof == nil {
		return proof{}
	}
	return *n.proof
}

// Target names the users, channels or clients that get a notification. The zero Target is not
// valid. Make a Target with ToUser, ToUsers, ToChannel, ToChannels, ToClient or ToAll.
type Target struct {
	kind  string // the name of the field in the HTTP API
	names []string
	many  bool
}

// ToUser targets all connections of a user.
func ToUser(id string) Target { return Target{kind: "user", names: []string{id}} }

// ToUsers targets all connections of up to MaxTargets users.
func ToUsers(ids ...string) Target { return Target{kind: "users", names: ids, many: true} }

// ToChannel targets the members of a channel. The Hub adds its name to the metadata as "channel".
func ToChannel(name string) Target { return Target{kind: "channel", names: []string{name}} }

// ToChannels targets the members of up to MaxTargets channels, each member once. The Hub adds the
// names to the metadata as "channels".
func ToChannels(names ...string) Target {
	return Target{kind: "channels", names: names, many: true}
}

// ToClient targets one connection.
func ToClient(id string) Target { return Target{kind: "client", names: []string{id}} }

// ToAll targets every connection of the namespace "/".
func ToAll() Target { return Target{kind: "all"} }

// Publication is one notification of a batch with its target.
type Publication struct {
	Notification Notification
	Target       Target
}

// Receipt is the result of a publish. It counts the connections of this node that match the target
// at this moment, lagging members included, and adds what the other nodes of a cluster have told of
// theirs, see Options.Presence: an upper bound. Nobody online is no error: the Hub keeps the
// notification for replay. With several users in the target, Users of them have a connection and
// Targets - Users have none. With several channels, Channels of them have a member.
type Receipt struct {
	ID        string `json:"id,omitempty"` // empty for a volatile one
	Delivered int    `json:"delivered"`    // connections
	Users     int    `json:"users"`        // distinct users among them
	Channels  int    `json:"channels"`     // channels of the target with a member
	Targets   int    `json:"-"`            // distinct names in the target; 1 for all
	Stored    bool   `json:"stored"`
}

// Result is the result of one publication of a batch. Err is a *ValidationError or nil.
type Result struct {
	Receipt Receipt
	Err     error
}

// ValidationError is the error for a publish that breaks a rule. The Hub sent nothing. The text is
// for the sender.
type ValidationError struct {
	Field  string // such as "data" or "target.users[3]"
	Reason string // what the value is and what is expected
}

// Error returns the field and the reason.
func (e *ValidationError) Error() string { return e.Field + ": " + e.Reason }
