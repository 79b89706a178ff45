package redisstream

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
)

// replicaTimeout is how long a call waits for a replica.
const replicaTimeout = 500 * time.Millisecond

// waitForReplica is the command that returns how many replicas have what its connection has written, and
// so everything that the server has written before.
var waitForReplica = []any{"wait", 1, replicaTimeout.Milliseconds()}

// replicated returns an error if no replica has what was written. reply is that of waitForReplica.
func (c *Client) replicated(reply *redis.Cmd) error {
	n, err := reply.Int()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", notify.ErrUncertain, c.clean(err))
	case n < 1:
		return fmt.Errorf("%w: no replica has stored it after %v", notify.ErrUncertain, replicaTimeout)
	}
	return nil
}

// confirm makes a write, and waits until a replica has it and everything before it.
func (c *Client) confirm(ctx context.Context, write func(context.Context, redis.Pipeliner)) error {
	var wait *redis.Cmd
	err := c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		pipe := r.Pipeline()
		write(ctx, pipe)
		wait = pipe.Do(ctx, waitForReplica...)
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", notify.ErrUncertain, err)
	}
	return c.replicated(wait)
}
