package api

import (
	"slices"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
)

// statsView has the counts of this node and the authentication mode, which the console needs before
// it can connect.
type statsView struct {
	notify.Stats
	AuthMode auth.Mode `json:"authMode"`
}

// clusterStatsView has the sums of all nodes, and each node.
type clusterStatsView struct {
	statsView
	Nodes      []nodeStats `json:"nodes"`
	Incomplete []string    `json:"incomplete,omitempty"`
}

// nodeStats has the counts of one node.
type nodeStats struct {
	cluster.Node
	notify.Stats
}

// stats serves GET /v1/stats.
func (h *handler) stats(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
	if c.value("cluster") == "" {
		return statsView{h.hub.Stats(), h.o.Mode}, nil
	}
	nodes, silent := ask[nodeStats](c.Context(), h, kindStats, struct{}{})
	nodes = append(nodes, h.ownStats())
	slices.SortFunc(nodes, func(x, y nodeStats) int { return strings.Compare(x.UID, y.UID) })
	reply := clusterStatsView{statsView{AuthMode: h.o.Mode}, nodes, silent}
	for _, node := range nodes {
		reply.Add(node.Stats)
	}
	return reply, nil
}

func (h *handler) ownStats() nodeStats {
	stats := nodeStats{Stats: h.hub.Stats()}
	if h.o.Bus != nil {
		stats.Node = h.o.Bus.Self()
	}
	return stats
}
