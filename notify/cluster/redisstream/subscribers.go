package redisstream

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// subscribers returns how many connections are subscribed to channels by their names. A server of a Redis
// Cluster knows only those to itself, and after a failover some are to a replica.
func (c *Client) subscribers(ctx context.Context, channels ...string) ([]int, error) {
	var mu sync.Mutex
	totals := make([]int, len(channels))
	count := func(ctx context.Context, r *redis.Client) error {
		counts, err := r.PubSubNumSub(ctx, channels...).Result()
		mu.Lock()
		defer mu.Unlock()
		for i, channel := range channels {
			totals[i] += int(counts[channel])
		}
		return err
	}
	if c.cluster == nil {
		return totals, c.do(ctx, count)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
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
	return totals, c.result(err)
}
