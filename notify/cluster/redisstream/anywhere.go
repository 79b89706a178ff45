package redisstream

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// anywhere is do for keys of any slot: those that Node's adapter names without one.
func (c *Client) anywhere(
	ctx context.Context, f func(context.Context, redis.UniversalClient) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.cluster != nil {
		return c.result(f(ctx, c.cluster))
	}
	return c.result(f(ctx, c.single))
}

// pipeline sends the commands that f adds, for keys of any slot. It returns the first error except
// [redis.Nil]; then some of them may have been carried out.
func (c *Client) pipeline(ctx context.Context, f func(context.Context, redis.Pipeliner)) error {
	return c.anywhere(ctx, func(ctx context.Context, r redis.UniversalClient) error {
		p := r.Pipeline()
		f(ctx, p)
		if p.Len() == 0 {
			return nil
		}
		all, err := p.Exec(ctx)
		if !errors.Is(err, redis.Nil) {
			return err
		}
		for _, command := range all {
			if err := command.Err(); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
		}
		return nil
	})
}
