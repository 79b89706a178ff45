package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify/disklog"
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

// newTickets returns the tickets of the store. Without one they are in memory.
func newTickets(store *disklog.Store) *auth.Tickets {
	if store == nil {
		return auth.NewTickets(nil)
	}
	return auth.NewStoredTickets(store.Tickets(), nil)
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
