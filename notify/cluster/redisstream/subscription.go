package redisstream

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// quietTime is how long nothing has to arrive until a connection is tested.
const quietTime = 5 * time.Second

// keep connects again and again until ctx ends. The pauses grow until connect calls ready.
func (c *Client) keep(ctx context.Context, connect func(ready func()) error) {
	for wait := newBackoff(); ; {
		err := connect(func() { wait = newBackoff() })
		if ctx.Err() != nil {
			return
		}
		_ = c.result(err) // logs it
		if !wait.sleep(ctx, c.life) {
			return
		}
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

// fieldOf returns the field for which something is skipped.
func fieldOf(err error) string {
	var fault *nodewire.SkipError
	if errors.As(err, &fault) {
		return fault.Field
	}
	return ""
}
