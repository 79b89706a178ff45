package nodewire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// Limits of what is decoded and written.
const (
	MaxPayload = 8 << 20 // bytes of a field, or of a published message
	maxNames   = 4096    // rooms in one list
	maxUID     = 64      // bytes of the id of a server or request

	// The levels of arrays and objects in a packet: the data of a notification is two levels below.
	packetDepth = notify.MaxDepth + 4
	wireDepth   = packetDepth + 4 // the objects around a packet
)

// Type is the type of an Entry, with the number that the streams adapter gives it.
type Type uint8

// The types of entries. Node knows all of them except TypeSignal.
const (
	TypeSignal       Type = iota // from Roomcast nodes to each other; no type in the stream
	TypeHello                    // a server starts; adapter 0.2 only, like the other heartbeats
	TypeHeartbeat                // a server has written nothing for 5 seconds
	TypeBroadcast                // an event for clients; with a RequestID they acknowledge it
	TypeJoin                     // clients join Rooms
	TypeLeave                    // clients leave Rooms
	TypeDisconnect               // clients are disconnected
	TypeFetchSockets             // each server answers with its clients
	TypeSockets                  // the answer
	TypeServerEmit               // an event for the servers; with a RequestID they answer it
	TypeServerReply              // the answer
	TypeClientCount              // how many clients were asked to acknowledge a broadcast
	TypeAck                      // the acknowledgement of one of them
	TypeClose                    // a server ends

	// TypeRooms is a request of the pub/sub adapter: each server answers with the names of its rooms, see
	// AppendRooms. It is in no other medium.
	TypeRooms
)

// Entry is what one server says to the others.
type Entry struct {
	Type      Type
	UID       string // the server that wrote it; an emitter writes "emitter" or nothing
	Namespace string // "/" or "/n"; empty for TypeSignal
	RequestID string // of a request that wants responses, of each response, or of a change, see peers

	// Opts are the clients that TypeBroadcast to TypeFetchSockets are for.
	Opts Opts

	// Packet is the array of the event and its arguments for TypeBroadcast and TypeServerEmit, the
	// array of sockets for TypeSockets, and the answer for TypeServerReply and TypeAck.
	Packet Value

	Rooms  []string // to join or leave, as Node names them
	Close  bool     // TypeDisconnect ends the whole connection, not only its part in the namespace
	Count  int      // of TypeClientCount
	Signal Signal   // of TypeSignal

	// Via is the prefix of the channels by which the entry came from servers with the pub/sub adapter.
	// They have it already. Empty: it did not.
	Via string

	event string             // the first element of the packet of an event that was read
	first strictjson.Checked // the argument after it, in the memory of the payload
	mark  mark               // the field rc of a message of Roomcast
}

// Value is a JSON value with its binary values: {"_placeholder":true,"num":i} in JSON is the place
// of Attachments[i]. They are numbered in the order of the text.
type Value struct {
	JSON        json.RawMessage
	Attachments [][]byte
}

// Opts select clients, and say how they get an event. The names of rooms are those of Node, in
// which the id of a client is the room of that client. No Rooms are all clients of the namespace.
type Opts struct {
	Rooms, Except []string

	Volatile     bool
	Uncompressed bool
	Timeout      time.Duration // for acknowledgements; 0 is none
}

// Signal is a message from Roomcast nodes to each other in the stream. Node ignores it, and can
// resume from its id.
type Signal struct {
	Kind     string            // SignalUp, SignalFork, SignalBump or SignalDelete
	From, To notify.ID         // of SignalFork
	Deleted  notify.RetainedID // of SignalDelete
}

// The kinds of signals.
const (
	SignalUp   = "up"   // a node has started
	SignalFork = "fork" // the entries after From, up to To, are lost
	SignalBump = "bump" // ids continue with the next millisecond

	SignalDelete = "delete" // a retained message is deleted, unless another one has taken its place
)

// uidPrefix is "rc" in hexadecimal digits, as the ids of Node's servers are.
const uidPrefix = "7263"

// NewUID returns a random id for a server, of the form that Node's servers have.
func NewUID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return uidPrefix + hex.EncodeToString(b[:])
}

// EmitterUID is the id of @socket.io/redis-emitter, which is no server. Adapter 0.2 takes the writer of
// every other entry for a server, and waits for its answers.
const EmitterUID = "emitter"

// ClusterUID returns the id that all nodes of a cluster with a stream have for servers with the pub/sub
// adapter, which are not in it.
func ClusterUID(stream string) string {
	sum := sha256.Sum256([]byte(stream))
	return clusterPrefix + hex.EncodeToString(sum[:6])
}

// clusterPrefix begins the ids of ClusterUID.
const clusterPrefix = "roomcast:"

// IsClusterUID reports whether a uid is one of ClusterUID, of any cluster.
func IsClusterUID(uid string) bool { return strings.HasPrefix(uid, clusterPrefix) }

// OwnUID reports whether a uid is that of a Roomcast node. One of 65,536 Node servers has such a
// uid too.
func OwnUID(uid string) bool { return len(uid) == 16 && strings.HasPrefix(uid, uidPrefix) }
