package adminui

import (
	"fmt"
	"os"
	"time"
)

// serverStats is the event server_stats.
type serverStats struct {
	ServerID       string           `json:"serverId"`
	Hostname       string           `json:"hostname"`
	PID            int              `json:"pid"`
	Uptime         float64          `json:"uptime"`              // in seconds
	Clients        int              `json:"clientsCount"`        // sessions of Engine.IO
	PollingClients int              `json:"pollingClientsCount"` // of them
	Events         []countedEvent   `json:"aggregatedEvents"`
	Namespaces     []namespaceCount `json:"namespaces"`
}

// countedEvent says how often something happened since the last server_stats.
type countedEvent struct {
	At    int64  `json:"timestamp"` // in milliseconds, of a whole second
	Type  string `json:"type"`
	Count uint64 `json:"count"`
}

// totals are counts since the start.
type totals struct{ came, went, written uint64 }

// stats returns server_stats, with what has changed since the totals before, and the present totals.
func (u *ui) stats(before totals) (serverStats, totals) {
	var now totals
	hostname, _ := os.Hostname() // "" is no mistake
	pid := os.Getpid()
	s := serverStats{
		ServerID: fmt.Sprintf("%s#%d", hostname, pid), Hostname: hostname, PID: pid,
		Uptime: time.Since(u.started).Seconds(), Clients: u.srv.Sessions(),
		Events: []countedEvent{},
	}
	s.PollingClients = min(u.hub.Stats().ByTransport["polling"], s.Clients)
	s.Namespaces, now.came, now.went = u.census.read()
	if u.o.Written != nil {
		now.written = u.o.Written()
	}
	at := time.Now().Truncate(time.Second).UnixMilli()
	for _, e := range []countedEvent{
		{at, "rawConnection", now.came - before.came},
		{at, "rawDisconnection", now.went - before.went},
		{at, "bytesOut", now.written - before.written},
	} {
		if e.Count > 0 {
			s.Events = append(s.Events, e)
		}
	}
	return s, now
}

// totals returns the present totals.
func (u *ui) totals() totals {
	_, now := u.stats(totals{})
	return now
}
