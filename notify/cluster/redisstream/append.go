package redisstream

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

var errLate = fmt.Errorf("%w: Redis takes more than %v", notify.ErrUnavailable, Timeout)

// Append implements notify.Log. It returns after [Timeout] at the latest, or half a second later when
// the messages are stored and this node has not read them. A message that Node's clients cannot get is
// refused with a *notify.ValidationError.
func (l *Log) Append(ctx context.Context, messages []*notify.Message) error {
	if err := ctx.Err(); err != nil || len(messages) == 0 {
		return err
	}
	c, err := l.newCall(ctx, messages)
	if err != nil {
		return err
	}
	l.pending.add(c)
	if err := l.queue.Push(c, len(messages), c.size); err != nil {
		l.pending.fail(c, err)
		return err
	}
	err = l.await(ctx, c)
	if err == nil && c.claim != nil {
		c.claim.note(ctx)
	}
	return err
}

// await returns the result of a call.
func (l *Log) await(ctx context.Context, c *call) error {
	start := time.Now()
	timer := timers.Get().(*time.Timer)
	timer.Reset(min(l.pending.patience, l.c.timeout))
	defer func() {
		timer.Stop()
		timers.Put(timer)
	}()
	for {
		select {
		case err := <-c.done:
			return err
		case <-ctx.Done():
			return l.giveUp(c, ctx.Err())
		case <-timer.C:
		}
		rest := l.pending.late(c)
		if rest == 0 {
			if rest = min(l.pending.patience, l.c.timeout-time.Since(start)); rest <= 0 {
				return l.giveUp(c, errLate)
			}
		}
		timer.Reset(rest)
	}
}

// timers has stopped timers, so that a call needs none of its own.
var timers = sync.Pool{New: func() any {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return timer
}}

// giveUp ends a call before there is a reply.
func (l *Log) giveUp(c *call, cause error) error {
	if l.queue.Withdraw(c) {
		l.pending.fail(c, cause)
	} else {
		l.pending.leave(c, fmt.Errorf("%w: %w", notify.ErrUncertain, cause))
	}
	return <-c.done
}

// newCall encodes messages for the stream.
func (l *Log) newCall(ctx context.Context, messages []*notify.Message) (*call, error) {
	c := &call{messages: messages, done: make(chan error, 1)}
	c.marks = c.room.marks[:0]
	adds, retains := c.room.adds[:0], false
	for _, m := range messages {
		f, err := nodewire.FieldsOf(m, l.uid, strconv.FormatUint(l.nonce.Add(1), 36))
		if err != nil {
			return nil, err
		}
		c.marks, adds = append(c.marks, f.RC), append(adds, l.add(f, "*"))
		c.size += len(f.Data) + len(f.RC) + 128
		retains = retains || m.Retain
	}
	c.claim, c.commands = l.claimOf(ctx, messages), c.room.commands[:0]
	ends := l.c.life // the caller's context ends the wait for the reply, and not the command
	switch {
	case c.claim != nil || retains:
		c.commands = append(c.commands, redis.NewCmd(ends, l.script(c, adds)...))
	case len(adds) == 1: // most calls: its id needs no memory
		c.commands = append(c.commands, redis.NewZeroCopyStringCmd(ends, c.room.id[:], adds[0]...))
	default: // neighbours in the stream
		c.commands = append(c.commands, redis.NewCmd(ends, "multi"))
		c.commands = append(append(c.commands, commandsOf(ends, adds)...), redis.NewCmd(ends, "exec"))
	}
	return c, nil
}

// add returns the command that adds an entry.
func (l *Log) add(f nodewire.Fields, id string) []any {
	pairs := f.Pairs()
	command := make([]any, 0, 6+len(pairs))
	command = append(command, "xadd", l.stream, "maxlen", "~", l.maxLen, id)
	for i := range pairs {
		command = append(command, &pairs[i]) // a string would be copied to the heap
	}
	return command
}
