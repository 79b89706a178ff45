package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/traces"
)

// exitIO is the exit code after a failed write, EX_IOERR of sysexits.h.
const exitIO = 74

// openStore opens DATA_DIR. It returns nil without one.
func openStore(c config.Config, log *zap.Logger) (*disklog.Store, error) {
	if c.DataDir == "" {
		return nil, nil
	}
	o := c.Disk()
	o.Log = log
	o.Fatal = func(err error) {
		// Nobody knows what a file has after a failed write, so this process must not go on with it.
		log.Error("a write to the data directory failed: the process ends", zap.Error(err))
		_ = log.Sync()
		os.Exit(exitIO)
	}
	return disklog.Open(o)
}

// storage is what outlives the process. With both, the disk has only what belongs to this node.
type storage struct {
	store  *disklog.Store // nil without DATA_DIR
	shared *cluster       // nil without REDIS_URL
}

// outlives reports whether the next process, or another node, has the notifications and tickets.
func (s storage) outlives() bool { return s.store != nil || s.shared != nil }

// newHub returns the hub with the history of the settings. tracer may be nil.
func (s storage) newHub(c config.Config, tracer *traces.Tracer) *notify.Hub {
	o := c.History()
	if tracer != nil {
		o.Tracer = tracer
	}
	switch {
	case s.shared != nil:
		o.Cluster, o.Presence = s.shared.sessions(), s.shared.counts
		o.Relay = s.shared.peers.Relay()
		return notify.New(s.shared.log, o)
	case s.store != nil:
		o.Sessions, o.RetainedStore = s.store.Sessions(), s.store.Retained()
		return notify.New(s.store.Log(), o)
	}
	return notify.New(notify.NewMemoryLog(), o)
}

func (s storage) newTickets() *auth.Tickets {
	switch {
	case s.shared != nil:
		return auth.NewSharedTickets(s.shared.client.Tickets(), nil)
	case s.store != nil:
		return auth.NewStoredTickets(s.store.Tickets(), nil)
	}
	return auth.NewTickets(nil)
}

// answers returns where the API keeps answers to requests that may be repeated. nil: in memory.
func (s storage) answers() func(name string) kv.Store {
	switch {
	case s.shared != nil:
		return func(name string) kv.Store { return s.shared.client.KV(name, api.AnswerLimits) }
	case s.store != nil:
		return func(name string) kv.Store { return s.store.KV(name, api.AnswerLimits) }
	}
	return nil
}

// queueName names the queue of a URL, which can have a password.
func queueName(url string) string {
	digest := sha256.Sum256([]byte(url))
	return hex.EncodeToString(digest[:16])
}

// keepQueues removes the queues of URLs that the settings do not have any more.
func keepQueues(s *disklog.Store, urls []string) error {
	names := make([]string, len(urls))
	for i, url := range urls {
		names[i] = queueName(url)
	}
	return s.KeepQueues(names)
}
