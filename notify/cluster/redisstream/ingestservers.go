package redisstream

import (
	"strings"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// serversUID is the uid of this cluster for servers with the pub/sub adapter: what one node has published
// before it lost the lock is no message for the next one.
func (g *Ingest) serversUID() string { return nodewire.ClusterUID(g.c.o.Stream) }

// forServers returns the channel and the message of an entry, or nothing if it is not for servers with the
// pub/sub adapter. What wants answers is not.
func (g *Ingest) forServers(e *nodewire.Entry) (message [][]byte, err error) {
	to := nodewire.Channel{Prefix: g.o.Servers, Namespace: e.Namespace}
	var payload []byte
	switch {
	case e.Via == g.o.Servers:
		return nil, nil
	case e.Type == nodewire.TypeBroadcast && e.RequestID == "":
		if len(e.Opts.Rooms) == 1 {
			to.To = e.Opts.Rooms[0] // a server without a client in the room needs not read it
		}
		e.UID = g.serversUID()
		payload, err = e.AppendArray(nil)
	case isOrdered(e):
		to.Medium, e.UID, e.RequestID = nodewire.Requests, g.serversUID(), ""
		payload, err = e.AppendRequest(nil)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return [][]byte{[]byte(to.String()), payload}, nil
}

// isEcho reports whether this cluster has published a message to servers with the pub/sub adapter.
func (g *Ingest) isEcho(payload string) bool {
	if g.o.Servers == "" {
		return false
	}
	uid := g.serversUID()
	return strings.HasPrefix(payload, `{"uid":"`+uid+`"`) ||
		len(payload) > 2 && payload[0] == 0x93 && strings.HasPrefix(payload[2:min(len(payload), 64)], uid)
}
