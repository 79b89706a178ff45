package config

import (
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/notify"
)

// defaults returns the defaults of the parts that use the settings, by the name of the variable. A
// tag refers to one as ${HISTORY_SIZE}, so that each default is written once, where it is used.
func defaults() kong.Vars {
	hub := notify.DefaultOptions()
	return kong.Vars{
		"HISTORY_SIZE":      strconv.Itoa(hub.HistorySize),
		"HISTORY_TTL":       duration(hub.HistoryTTL),
		"HISTORY_MAX_BYTES": Bytes(hub.HistoryMaxBytes).String(),
	}
}
