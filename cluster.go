package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	nodes "github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/cli"
)

// cluster is what several nodes share by Redis.
type cluster struct {
	client *redisstream.Client
	log    *redisstream.Log
	bus    *redisstream.Bus
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
	bus, err := client.JoinLater(nodes.Node{UID: nodewire.NewUID(), Version: version})
	if err != nil {
		_ = shared.Close()
		client.Close()
		return nil, err
	}
	return &cluster{client, shared, bus}, nil
}

// sessions returns what the hub needs to share its sessions.
func (s *cluster) sessions() *notify.Cluster {
	return &notify.Cluster{
		Node: s.bus.Self().UID, Sessions: s.client.Sessions(), Peers: s.bus.Peers(),
	}
}

// check waits until the server answers, and returns an error if it cannot be used as it is.
func (s *cluster) check(ctx context.Context) error {
	if err := s.client.Connect(ctx); errors.Is(err, redisstream.ErrRefused) {
		return err
	}
	return nil
}

func (s *cluster) close() {
	s.bus.Close()
	_ = s.log.Close()
	s.client.Close()
}
