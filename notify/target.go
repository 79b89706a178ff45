package notify

import "github.com/roomcast/roomcast/rooms"

// Subjects returns the names of the target as "user:u1", "channel:orders" or "client:<clientId>",
// or "all". Permissions to publish use this form. Subjects does not validate the names.
func (t Target) Subjects() []string {
	prefix := ""
	switch t.kind {
	case "all":
		return []string{"all"}
	case "user", "users":
		prefix = "user:"
	case "channel", "channels":
		prefix = "channel:"
	case "client":
		prefix = "client:"
	}
	subjects := make([]string, len(t.names))
	for i, name := range t.names {
		subjects[i] = prefix + name
	}
	return subjects
}

// IsZero reports whether t is the zero Target.
func (t Target) IsZero() bool { return t.kind == "" }

// Rooms returns the hub rooms of the target, each once, for History. It does not validate the
// names.
func (t Target) Rooms() []string { return t.rooms() }

// RoomsIn is Rooms for a namespace.
func (t Target) RoomsIn(namespace string) []string {
	names := t.rooms()
	for i, room := range names {
		_, name := rooms.Split(room)
		names[i] = rooms.In(namespace, name)
	}
	return names
}
