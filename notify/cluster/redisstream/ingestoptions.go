package redisstream

import (
	"fmt"
	"slices"
)

// IngestOptions say what an [Ingest] listens to.
type IngestOptions struct {
	Node bool // @socket.io/redis-emitter, with the name of the stream as its key

	// Servers is the key of servers with @socket.io/redis-adapter, the prefix of their channels, which
	// differs from the name of the stream. They also get what the stream has. Empty: there are none.
	Servers string

	// Python is the channel of python-socketio's managers for Redis. Empty: they are not heard.
	Python string
}

// DefaultPythonChannel is the channel of python-socketio's managers if no other one is chosen.
const DefaultPythonChannel = "socketio"

// DefaultServersKey is the key of servers with the pub/sub adapter if no other one is chosen.
const DefaultServersKey = "socket.io"

// Check returns the error of options that are wrong for a stream.
func (o IngestOptions) Check(stream string) error {
	if o.Servers != "" {
		if err := checkName("key", o.Servers); err != nil {
			return err
		}
		theirs := channelNames(o.Servers)
		if slices.ContainsFunc(channelNames(stream), func(own string) bool { return slices.Contains(theirs, own) }) {
			return fmt.Errorf("key %.40q: expected another name than that of the stream, %.40q, because channels "+
				"begin with both; name the stream roomcast, for example", o.Servers, stream)
		}
	}
	if o.Python == "" {
		return nil
	}
	return checkName("channel", o.Python)
}

// channelNames returns what the names of channels with a prefix begin with.
func channelNames(prefix string) []string {
	return []string{prefix, prefix + "-request", prefix + "-response", prefix + "-represents"}
}
