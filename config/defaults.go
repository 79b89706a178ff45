package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/notify/disklog"
	"github.com/roomcast/roomcast/server/acme"
	"github.com/roomcast/roomcast/server/adminui"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

const (
	presetNode   = "node"            // of SOCKETIO_PRESET
	presetSource = "SOCKETIO_PRESET" // the source of a setting that a preset has set
)

// nodePreset returns the defaults of SOCKETIO_PRESET=node, by the name of the variable: those of
// socket.io on Node. A Node server without a middleware accepts everyone, and its clients are in no
// rooms until a handler joins them.
func nodePreset() map[string]string {
	o := socketio.NodeOptions()
	return map[string]string{
		"AUTH_ANONYMOUS":           "true",
		"DEFAULT_CHANNELS":         "",
		"RATE_LIMIT_INTERVAL":      duration(o.RateInterval),
		"SOCKETIO_BUILTINS":        strconv.FormatBool(!o.DisableBuiltins),
		"SOCKETIO_RECOVERY":        strconv.FormatBool(!o.DisableRecovery),
		"SOCKETIO_PING_INTERVAL":   duration(o.PingInterval),
		"SOCKETIO_PING_TIMEOUT":    duration(o.PingTimeout),
		"SOCKETIO_CONNECT_TIMEOUT": duration(o.ConnectTimeout),
		"SOCKETIO_MAX_PAYLOAD":     Bytes(o.MaxPayload).String(),
	}
}

// fillDefaults writes the defaults of the parts that use the settings into the flags whose tag has
// ${NAME}. The variables of kong do the same, at fifty times the cost: kong expands every variable
// again for every flag.
func fillDefaults(k *kong.Kong) error {
	values := defaults()
	for _, flag := range k.Model.Flags {
		name, refers := strings.CutPrefix(flag.Default, "${")
		if !refers {
			continue
		}
		value, known := values[strings.TrimSuffix(name, "}")]
		if !known {
			return fmt.Errorf("--%s: nothing has the default %s", flag.Name, flag.Default)
		}
		flag.Default = value
	}
	return nil
}

// defaults returns the defaults of the parts that use the settings, by the name of the variable. A
// tag refers to one as ${HISTORY_SIZE}, so that each default is written once, where it is used.
func defaults() map[string]string {
	hub := notify.DefaultOptions()
	outgoing := hooks.DefaultOptions()
	sockets, streams := socketio.DefaultOptions(), sse.DefaultOptions()
	return map[string]string{
		"ADMIN_UI_NAMESPACE": adminui.DefaultOptions().Namespace,
		"ADMIN_UI_READONLY":  strconv.FormatBool(adminui.DefaultOptions().ReadOnly),
		"ADMIN_UI_USERNAME":  adminui.DefaultOptions().Username,

		"ACME_DIRECTORY": acme.DefaultOptions().Directory,

		"HISTORY_SIZE":      strconv.Itoa(hub.HistorySize),
		"HISTORY_MIN_AGE":   duration(hub.HistoryMinAge),
		"HISTORY_TTL":       duration(hub.HistoryTTL),
		"HISTORY_MAX_BYTES": Bytes(hub.HistoryMaxBytes).String(),

		"RETAINED_SIZE":      strconv.Itoa(hub.RetainedSize),
		"RETAINED_MAX_BYTES": Bytes(hub.RetainedMaxBytes).String(),

		"DATA_MAX_BYTES": Bytes(disklog.DefaultOptions("").MaxBytes).String(),

		"REDIS_STREAM":         redisstream.DefaultOptions().Stream,
		"REDIS_INGEST_CHANNEL": redisstream.DefaultPythonChannel,
		"REDIS_INGEST_KEY":     redisstream.DefaultServersKey,
		"REDIS_MAXLEN":         strconv.Itoa(redisstream.DefaultLogOptions().MaxLen),

		"EVENTS_TIMEOUT":     duration(outgoing.Events.Timeout),
		"EVENTS_CONCURRENCY": strconv.Itoa(outgoing.Events.Concurrency),
		"EVENTS_BATCH":       strconv.Itoa(outgoing.Events.Batch),
		"WEBHOOK_RETRY":      duration(outgoing.Webhooks.Retry),

		"CONNECT_TIMEOUT":     duration(outgoing.Connects.Timeout),
		"CONNECT_CONCURRENCY": strconv.Itoa(outgoing.Connects.Concurrency),

		"HANDSHAKE_RATE": strconv.Itoa(limit.HandshakeRate()),

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
