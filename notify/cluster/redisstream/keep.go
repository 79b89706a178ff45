package redisstream

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// quietTime is how long nothing has to arrive until a connection is tested.
const quietTime = 5 * time.Second

// masterLook is how often a connection looks whether another server of a Redis Cluster has the keys.
const masterLook = time.Second

// keep connects again and again until ctx ends. The pauses grow until connect calls ready. The context
// of connect also ends when another server has the keys of the stream.
func (c *Client) keep(
	ctx context.Context, connect func(ctx context.Context, ready func()) error,
) {
	for wait := newBackoff(); ; {
		of, end := c.whileMaster(ctx)
		err := connect(of, func() { wait = newBackoff() })
		isMoved := of.Err() != nil
		end()
		if ctx.Err() != nil {
			return
		}
		if isMoved {
			continue
		}
		_ = c.result(err) // logs it
		if !wait.sleep(ctx, c.life) {
			return
		}
	}
}

// whileMaster returns a context that ends with ctx, with end, and when another server of a Redis Cluster
// has the keys of the stream. The former one passes messages on as a replica, but servers on Node that
// ask the primaries only do not count its subscribers.
func (c *Client) whileMaster(ctx context.Context) (of context.Context, end func()) {
	of, cancel := context.WithCancel(ctx)
	if c.cluster == nil {
		return of, cancel
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		ticker := time.NewTicker(masterLook)
		defer ticker.Stop()
		first, _ := c.server(of)
		for {
			select {
			case <-of.Done():
				return
			case <-ticker.C:
			}
			now, _ := c.server(of)
			if first == nil {
				first = now
			}
			if now != nil && now != first {
				return
			}
		}
	}()
	return of, func() {
		cancel()
		<-ended
	}
}

// receiveAll gives take what a subscription receives, until the connection breaks.
func receiveAll(ctx context.Context, sub *redis.PubSub, take func(message any)) error {
	for isTested := false; ; {
		got, err := sub.ReceiveTimeout(ctx, quietTime)
		switch {
		case err == nil:
			isTested = false
		case isTimeout(err) && !isTested:
			isTested = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
		take(got) // nil after a test
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
