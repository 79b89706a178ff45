package nodewire

import (
	"slices"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// Recipients returns the hub rooms of the clients that opts select. A name that may be the id of a
// client is the room of that client, and a room. Names that the Hub uses for something else are
// dropped, above all "*", which would be everyone. The result has no rooms if all names are
// dropped: then nobody is selected.
func (o Opts) Recipients(namespace string) notify.Recipients {
	to := notify.Recipients{Except: hubRooms(namespace, o.Except)}
	if to.Rooms = hubRooms(namespace, o.Rooms); len(o.Rooms) == 0 {
		to.Rooms = []string{rooms.In(namespace, rooms.All)}
	}
	return to
}

// OptsOf is the inverse of Opts.Recipients. The error is a *notify.ValidationError: Node has no
// name for one of the rooms.
func OptsOf(namespace string, to notify.Recipients) (Opts, error) {
	var o Opts
	var err error
	if !hasAll(namespace, to.Rooms) {
		if len(to.Rooms) == 0 { // which is everyone for Node
			return o, refuse("rooms", "is empty, expected at least one room")
		}
		if o.Rooms, err = nodeRooms("rooms", namespace, to.Rooms); err != nil {
			return Opts{}, err
		}
	}
	if hasAll(namespace, to.Except) {
		return Opts{}, refuse("except", "has everyone, expected rooms or clients")
	}
	o.Except, err = nodeRooms("except", namespace, to.Except)
	return o, err
}

func hasAll(namespace string, names []string) bool {
	return slices.Contains(names, rooms.In(namespace, rooms.All))
}

// hubRooms returns the hub rooms of names of Node, each once.
func hubRooms(namespace string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	list := make([]string, 0, 2*len(names))
	for _, name := range names {
		if name == "" || name == rooms.All {
			continue
		}
		list = append(list, rooms.In(namespace, name))
		if rooms.LooksLikeClientID(name) {
			list = append(list, rooms.In(namespace, rooms.Client(name)))
		}
	}
	return distinct(list)
}

// distinct removes what is in the list before.
func distinct(list []string) []string {
	const few = 8
	if len(list) <= few {
		kept := list[:0]
		for _, name := range list {
			if !slices.Contains(kept, name) {
				kept = append(kept, name)
			}
		}
		return kept
	}
	seen := make(map[string]struct{}, len(list))
	return slices.DeleteFunc(list, func(name string) bool {
		_, again := seen[name]
		seen[name] = struct{}{}
		return again
	})
}

// nodeRooms returns the names that hub rooms of a namespace have in Node. The id of a client has
// the shape of an id there: another name could be that of a room.
func nodeRooms(field, namespace string, hubRooms []string) ([]string, error) {
	if len(hubRooms) > maxNames {
		return nil, refuse(field, "has %d names, expected at most %d", len(hubRooms), maxNames)
	}
	if len(hubRooms) == 0 {
		return nil, nil
	}
	names := make([]string, len(hubRooms))
	for i, room := range hubRooms {
		in, name := rooms.Split(room)
		switch {
		case in != namespace:
			return nil, refuse(field, "%.80q is not in the namespace %.80q", room, namespace)
		case name == "" || !utf8.ValidString(name):
			return nil, refuse(field, "%.80q is empty or not valid UTF-8", room)
		}
		if id, ok := rooms.IsClient(name); ok && mayBeClientID(id) {
			name = id
		}
		names[i] = name
	}
	return names, nil
}

// ownRooms returns the hub rooms of names that a Roomcast node wrote. It is the inverse of
// nodeRooms for all rooms except those that only look like the id of a client, see mark.to.
func ownRooms(namespace string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	list := make([]string, 0, len(names))
	for _, name := range names {
		switch {
		case name == "" || name == rooms.All: // not written by nodeRooms
			continue
		case rooms.LooksLikeClientID(name):
			name = rooms.Client(name)
		}
		list = append(list, rooms.In(namespace, name))
	}
	return list
}

// mayBeClientID reports whether a name can be the id of a client on Node, also of one that has no
// upper-case letter, see rooms.LooksLikeClientID. mark.to has what ownRooms takes for another room.
func mayBeClientID(name string) bool {
	return rooms.LooksLikeClientID(name) || len(name) == 20 && rooms.LooksLikeClientID("A"+name[1:])
}
