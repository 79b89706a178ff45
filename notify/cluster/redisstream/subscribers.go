package redisstream

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// subscribers returns how many connections are subscribed to a channel by its name. A server of a Redis
// Cluster knows only those to itself, and after a failover some are to a replica.
func (c *Client) subscribers(ctx context.Context, channel string) (int, error) {
	var total atomic.Int64
	count := func(ctx context.Context, r *redis.Client) error {
		counts, err := r.PubSubNumSub(ctx, channel).Result()
		total.Add(counts[channel])
		return err
	}
	if c.cluster == nil {
		err := c.do(ctx, count)
		return int(total.Load()), err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err := c.cluster.ForEachMaster(ctx, count)
	if err == nil {
		err = c.cluster.ForEachSlave(ctx, func(ctx context.Context, r *redis.Client) error {
			err := count(ctx, r)
			if errors.As(err, new(*dialError)) {
				return nil // it is away, and so are its subscribers
			}
			return err
		})
	}
	return int(total.Load()), c.result(err)
}
