package config

import (
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// defaults returns the defaults of the parts that use the settings, by the name of the variable. A
// tag refers to one as ${HISTORY_SIZE}, so that each default is written once, where it is used.
func defaults() kong.Vars {
	hub := notify.DefaultOptions()
	outgoing := hooks.DefaultOptions()
	sockets, streams := socketio.DefaultOptions(), sse.DefaultOptions()
	return kong.Vars{
		"HISTORY_SIZE":      strconv.Itoa(hub.HistorySize),
		"HISTORY_MIN_AGE":   duration(hub.HistoryMinAge),
		"HISTORY_TTL":       duration(hub.HistoryTTL),
		"HISTORY_MAX_BYTES": Bytes(hub.HistoryMaxBytes).String(),

		"EVENTS_TIMEOUT":     duration(outgoing.Events.Timeout),
		"EVENTS_CONCURRENCY": strconv.Itoa(outgoing.Events.Concurrency),
		"WEBHOOK_RETRY":      duration(outgoing.Webhooks.Retry),

		"CONNECT_TIMEOUT":     duration(outgoing.Connects.Timeout),
		"CONNECT_CONCURRENCY": strconv.Itoa(outgoing.Connects.Concurrency),

		"MAX_ROOMS":                   strconv.Itoa(sockets.MaxRooms),
		"RATE_LIMIT_BURST":            strconv.Itoa(sockets.RateBurst),
		"INACTIVE_TIMEOUT":            duration(sockets.InactiveTimeout),
		"SSE_HEARTBEAT_INTERVAL":      duration(streams.Heartbeat),
		"SSE_CLEANUP_INTERVAL":        duration(sockets.SweepInterval),
		"SOCKETIO_HEARTBEAT_INTERVAL": duration(sockets.Heartbeat),
		"SOCKETIO_PING_INTERVAL":      duration(sockets.PingInterval),
		"SOCKETIO_PING_TIMEOUT":       duration(sockets.PingTimeout),
		"SOCKETIO_CONNECT_TIMEOUT":    duration(sockets.ConnectTimeout),
		"SOCKETIO_MAX_PAYLOAD":        Bytes(sockets.MaxPayload).String(),
		"SOCKETIO_RECEIVE_RATE":       Bytes(sockets.ReceiveRate).String(),
		"SOCKETIO_MAX_NAMESPACES":     strconv.Itoa(sockets.MaxNamespaces),
	}
}
