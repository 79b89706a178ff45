package config

import (
	"fmt"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/rooms"
)

func (l *loader) checkPaths(c *Config) {
	c.SSEPath, c.SocketIOPath = withoutSlash(c.SSEPath), withoutSlash(c.SocketIOPath)
	ok := l.checkPath(c, "SOCKETIO_PATH", c.SocketIOPath)
	ok = l.checkPath(c, "SSE_PATH", c.SSEPath) && ok
	sse, socketIO := c.SSEPath+"/", c.SocketIOPath+"/"
	if ok && (strings.HasPrefix(sse, socketIO) || strings.HasPrefix(socketIO, sse)) {
		l.wrong(c, "SSE_PATH", c.SSEPath,
			"a path other than SOCKETIO_PATH, and neither below the other")
	}
}

func (l *loader) checkPath(c *Config, env, value string) bool {
	switch {
	case !path.MatchString(value):
		l.wrong(c, env, value, "a path such as /events of letters, digits and . _ ~ -")
	case value == "/v1" || strings.HasPrefix(value, "/v1/") || value == "/livez" ||
		value == "/readyz":
		l.wrong(c, env, value, "a path that the HTTP API does not use")
	default:
		return true
	}
	return false
}

// withoutSlash removes one slash at the end, which many Socket.IO clients write.
func withoutSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// checkNames checks channels and event names by the rules that clients must follow.
func (l *loader) checkNames(c *Config) {
	if c.SSEAs == "" {
		c.SSEAs = "type"
	}
	if len(c.SocketIOAs) == 0 {
		c.SocketIOAs = []string{"type"}
	}
	if err := rooms.CheckType(c.SSEAs); err != nil {
		l.wrong(c, "SSE_AS", c.SSEAs, "one event name: "+err.Error())
	}
	for _, name := range c.SocketIOAs {
		if err := rooms.CheckType(name); err != nil {
			l.wrong(c, "SOCKETIO_AS", name, "event names: "+err.Error())
		}
	}
	if n := len(c.SocketIOAs); n > auth.MaxAs {
		l.wrong(c, "SOCKETIO_AS", n, fmt.Sprintf("at most %d names", auth.MaxAs))
	}
	for _, name := range c.DefaultChannels {
		if err := rooms.CheckChannel("name", name); err != nil {
			l.wrong(c, "DEFAULT_CHANNELS", name, "channels: "+err.Error())
		}
	}
	for _, pattern := range c.PublicChannels {
		if err := rooms.CheckChannel("name", pattern); err != nil && pattern != "*" {
			l.wrong(c, "PUBLIC_CHANNELS", pattern, "channels: "+err.Error())
		}
	}
}
