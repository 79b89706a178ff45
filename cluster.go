package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	nodes "github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/cli"
	"github.com/roomcast/roomcast/server/forward"
)

// cluster is what several nodes share by Redis.
type cluster struct {
	client *redisstream.Client
	log    *redisstream.Log
	bus    *redisstream.Bus
	counts *redisstream.Presence

	channels *redisstream.Channels
	peers    *peers.Peers        // the other Socket.IO servers
	ingest   *redisstream.Ingest // nil without REDIS_INGEST
}

// openCluster opens REDIS_URL without waiting for the server. It returns nil without the setting.
func openCluster(c config.Config, log *zap.Logger) (*cluster, error) {
	if c.RedisURL == "" {
		return nil, nil
	}
	o := c.Redis()
	o.Log = log
	client, err := redisstream.New(o)
	if err != nil {
		return nil, err
	}
	shared, err := redisstream.OpenLog(client, c.RedisLog())
	if err != nil {
		client.Close()
		return nil, err
	}
	version, _ := cli.BuildVersion()
	node := nodes.Node{UID: shared.UID(), Addr: c.ClusterAdvertise, Version: version,
		Secret: [32]byte(forward.NewSecret())}
	bus, err := client.JoinLater(node)
	if err != nil {
		_ = shared.Close()
		client.Close()
		return nil, err
	}
	channels := redisstream.OpenChannels(client)
	po := peers.DefaultOptions()
	po.UID, po.Prefix, po.Log = shared.UID(), o.Stream, log
	others, hears := c.Ingest()
	po.Servers = others.Servers
	s := &cluster{
		client: client, log: shared, bus: bus, counts: bus.Presence(), channels: channels,
		peers: peers.New(channels, shared.Calls(), po),
	}
	if hears {
		s.ingest = redisstream.OpenIngest(shared, others, s.peers.Represent)
	}
	return s, nil
}

// sessions returns what the hub needs to share its sessions.
func (s *cluster) sessions() *notify.Cluster {
	return &notify.Cluster{
		Node: s.bus.Self().UID, Sessions: s.client.Sessions(), Peers: s.bus.Peers(),
	}
}

// forwarder returns what passes requests on to other nodes, or nil if they cannot reach this one.
func (p *instance) forwarder() (*forward.Forwarder, error) {
	c := p.config
	if p.shared == nil || c.ClusterAdvertise == "" {
		return nil, nil
	}
	bus := p.shared.bus
	self := bus.Self()
	o := forward.DefaultOptions()
	o.Tag = func() string { return bus.Self().Tag }
	o.Secret, o.Files, o.Log = self.Secret[:], p.files, p.log
	o.Max, o.Wait = c.MaxConnections, c.SocketIOPingInterval+c.SocketIOPingTimeout
	o.Nodes = func(ctx context.Context) ([]forward.Node, error) {
		all, err := bus.Nodes(ctx)
		nodes := make([]forward.Node, len(all))
		for i, n := range all {
			nodes[i] = forward.Node{Tag: n.Tag, Address: n.Addr, Secret: n.Secret[:]}
		}
		return nodes, err
	}
	return forward.New(o)
}

// check waits until the server answers, and returns an error if it cannot be used as it is.
func (s *cluster) check(ctx context.Context) error {
	if err := s.client.Connect(ctx); errors.Is(err, redisstream.ErrRefused) {
		return err
	}
	return nil
}

func (s *cluster) close() {
	if s.ingest != nil {
		s.ingest.Close()
	}
	s.counts.Close()
	s.peers.Close()
	s.channels.Close()
	s.bus.Close()
	_ = s.log.Close()
	s.client.Close()
}
