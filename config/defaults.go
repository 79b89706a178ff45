package config

import (
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/notify"
)

// defaults are those of the parts that settings are for, by the name of the variable: a tag names one as
// ${HISTORY_SIZE}. So a default is written down once, where it is used.
func defaults() kong.Vars {
	hub := notify.DefaultOptions()
	return kong.Vars{
		"HISTORY_SIZE":      strconv.Itoa(hub.HistorySize),
		"HISTORY_TTL":       duration(hub.HistoryTTL),
		"HISTORY_MAX_BYTES": Bytes(hub.HistoryMaxBytes).String(),
	}
}
