// Package rooms has the rules for names and the table of which member is in which room.
package rooms

import "strings"

// All is the implicit room of a namespace: every member of it is in it from attach to detach.
const All = "*"

const (
	userPrefix   = "user:"
	clientPrefix = "client:"
)

// User returns the room of all connections of a user. Only the server puts members in it.
func User(id string) string { return userPrefix + id }

// Client returns the room of one connection. Only the server puts members in it.
func Client(id string) string { return clientPrefix + id }

// IsUser reports whether room (without namespace) is the room of a user, and returns the user's id.
func IsUser(room string) (id string, ok bool) { return after(room, userPrefix) }

// IsClient reports whether room (without namespace) is the room of one connection, and returns its
// client id.
func IsClient(room string) (id string, ok bool) { return after(room, clientPrefix) }

// IsChannel reports whether room (without namespace) is neither [All] nor the room of a user or a
// connection.
func IsChannel(room string) bool {
	return room != All &&
		!strings.HasPrefix(room, userPrefix) && !strings.HasPrefix(room, clientPrefix)
}

// LooksLikeClientID reports whether a name has the form of the client ids of Roomcast and of
// Socket.IO servers on Node: 20 characters of the base64 alphabet for URLs, and 24 with the tag of a
// node, with an upper-case letter among them. All ids of Roomcast have one, see [ClientID]. Those of a
// server on Node end with a counter, which begins with an upper-case letter for the first 6.8 million
// clients. So the ids that databases give, which applications use as names of rooms, are no client ids.
func LooksLikeClientID(name string) bool {
	if len(name) != 20 && len(name) != 24 {
		return false
	}
	hasUpper := false
	for _, c := range []byte(name) {
		switch {
		case c >= 'A' && c <= 'Z':
			hasUpper = true
		case (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' && c != '_':
			return false
		}
	}
	return hasUpper
}

// ClientID returns the first id of random that has the form of a client id.
func ClientID(random func() string) string {
	for {
		if id := random(); LooksLikeClientID(id) {
			return id
		}
	}
}

// In returns the hub room of a room of a namespace: the room itself in "/" (or ""), "/n#room" in
// "/n". A namespace must not contain '#'. Any room is safe: one of "/" that looks qualified becomes
// "/#room".
func In(namespace, room string) string {
	if namespace == "" || namespace == "/" {
		if !qualified(room) {
			return room
		}
		namespace = "/"
	}
	return namespace + "#" + room
}

// Split is the inverse of [In]: the namespace of a hub room and the room in it.
func Split(hubRoom string) (namespace, room string) {
	if !qualified(hubRoom) {
		return "/", hubRoom
	}
	namespace, room, _ = strings.Cut(hubRoom, "#")
	return namespace, room
}

// qualified reports whether a hub room has its namespace in its name.
func qualified(room string) bool {
	return len(room) > 0 && room[0] == '/' && strings.IndexByte(room, '#') > 0
}

// after returns the rest of a room's name after prefix, if the name has that prefix.
func after(room, prefix string) (id string, ok bool) {
	if id, ok = strings.CutPrefix(room, prefix); !ok {
		return "", false
	}
	return id, true
}
