package nodewire

import "strings"

// Medium is what a channel carries.
type Medium uint8

// The media of channels.
const (
	Broadcasts Medium = iota // maps and arrays: socket.io#/n#, and socket.io#/n#<to>#
	Requests                 // of the pub/sub adapter: socket.io-request#/n#
	Responses                // of the pub/sub adapter: socket.io-response#/n#
)

var infixes = [...]string{Broadcasts: "#", Requests: "-request#", Responses: "-response#"}

// Channel is the name of a channel of PUBLISH.
type Channel struct {
	Prefix    string // "socket.io", the default of all adapters
	Medium    Medium
	Namespace string

	// To narrows the receivers: the uid of a server, or the one room of a broadcast of the pub/sub
	// adapter. Empty is all servers.
	To string
}

// String returns the name.
func (c Channel) String() string {
	name := c.Prefix + infixes[c.Medium] + c.Namespace + "#"
	if c.To != "" {
		name += c.To + "#"
	}
	return name
}

// ParseChannel reads the name of a channel with a prefix. It returns false for another name.
func ParseChannel(prefix, name string) (Channel, bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return Channel{}, false
	}
	for medium, infix := range infixes {
		after, ok := strings.CutPrefix(rest, infix)
		if !ok {
			continue
		}
		namespace, to, closed := strings.Cut(after, "#")
		narrow := strings.HasSuffix(to, "#") && len(to) > 1
		if !closed || to != "" && !narrow || checkNamespace(namespace) != nil {
			return Channel{}, false
		}
		return Channel{prefix, Medium(medium), namespace, strings.TrimSuffix(to, "#")}, true
	}
	return Channel{}, false
}
