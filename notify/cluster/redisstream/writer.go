package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
)

// write is the writer: it sends the calls that wait, many at once, until the queue is closed.
func (l *Log) write() {
	defer close(l.written)
	for {
		calls, closed := l.queue.Take()
		switch {
		case len(calls) > 0:
			l.send(calls)
		case closed:
			return
		default:
			<-l.queue.Filled
		}
	}
}

// send sends calls and gives them their replies.
func (l *Log) send(calls []*call) {
	ctx, cancel := context.WithTimeout(l.c.life, Timeout)
	defer cancel()
	// While another server takes the keys over, the former one stores the first calls and refuses others.
	if refused := l.sendOnce(ctx, calls, l.c.cluster != nil); len(refused) > 0 {
		l.c.reload(ctx)
		l.sendOnce(ctx, refused, false)
	}
}

// sendOnce is send, except that it returns the calls that a server has refused because it does not have
// the keys, if they may be sent again.
func (l *Log) sendOnce(ctx context.Context, calls []*call, again bool) (refused []*call) {
	var commands [][]any
	for _, c := range calls {
		commands = append(commands, c.commands...)
	}
	if l.c.o.Replicate {
		commands = append(commands, waitForReplica)
	}
	replies := l.try(ctx, Timeout, commands)
	var late error
	if l.c.o.Replicate {
		late = l.c.replicated(replies[len(replies)-1])
	}
	for _, c := range calls {
		own := replies[:len(c.commands)]
		replies = replies[len(c.commands):]
		if again && isMoved(own) {
			refused = append(refused, c)
			continue
		}
		ids, err := l.result(c, own)
		var claimed *notify.ClaimedError // of a message that a replica may not have either
		if late != nil && (err == nil || errors.As(err, &claimed)) {
			err = late
		}
		if err != nil {
			l.pending.fail(c, err)
			continue
		}
		l.pending.reply(c, ids)
	}
	return refused
}

// do sends commands to the server that has the stream, on one connection, and returns them with their
// replies or errors. What a server refuses because it does not have the keys is sent again, to the one
// that has them. The first commands can have been carried out.
func (l *Log) do(ctx context.Context, commands [][]any) []*redis.Cmd {
	return l.within(ctx, Timeout, commands)
}

// within is do with the time that the replies may take.
func (l *Log) within(ctx context.Context, d time.Duration, commands [][]any) []*redis.Cmd {
	replies := l.try(ctx, d, commands)
	again := refusedOf(commands, replies)
	if len(again) == 0 || !l.c.reload(ctx) {
		return replies
	}
	rest := make([][]any, len(again))
	for i, at := range again {
		rest[i] = commands[at]
	}
	for i, reply := range l.try(ctx, d, rest) {
		replies[again[i]] = reply
	}
	return replies
}

// refusedOf returns which commands to send again. A transaction is one command, and WAIT is for those
// before it.
func refusedOf(commands [][]any, replies []*redis.Cmd) (again []int) {
	for i, n := 0, 0; i < len(commands); i += n {
		n = 1
		if commands[i][0] == "multi" {
			n += slices.IndexFunc(commands[i:], func(c []any) bool { return c[0] == "exec" })
		}
		if isMoved(replies[i:i+n]) || len(again) > 0 && commands[i][0] == "wait" {
			for j := range n {
				again = append(again, i+j)
			}
		}
	}
	return again
}

func (l *Log) try(ctx context.Context, d time.Duration, commands [][]any) []*redis.Cmd {
	server, err := l.c.server(ctx)
	replies := make([]*redis.Cmd, len(commands))
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotSent, l.c.result(err))
		for i, command := range commands {
			replies[i] = redis.NewCmd(ctx, command...)
			replies[i].SetErr(err)
		}
		return replies
	}
	if d != Timeout {
		server = server.WithTimeout(d)
	}
	pipe := server.Pipeline()
	for i, command := range commands {
		replies[i] = pipe.Do(ctx, command...)
	}
	_, _ = pipe.Exec(ctx)
	// The last one has the error of the connection, if there is one.
	last := replies[len(replies)-1]
	if err := last.Err(); err == nil || isReply(err) {
		_ = l.c.result(nil)
	} else {
		err = l.c.result(err)
		for _, reply := range replies {
			if failed := reply.Err(); failed != nil && !isReply(failed) {
				reply.SetErr(notSent(failed, err))
			}
		}
	}
	return replies
}

// isReply reports whether an error is one that the server has replied.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// errNotSent is the error of a command that the server has not got.
var errNotSent = errors.New("not sent")

// notSent marks an error of a command for which there was no connection.
func notSent(cause, err error) error {
	var dial *dialError
	if errors.As(cause, &dial) || errors.Is(cause, redis.ErrPoolTimeout) {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	return err
}

// isMoved reports whether a server has refused a command, or all of a transaction, because another
// server has the keys.
func isMoved(replies []*redis.Cmd) bool {
	last := replies[len(replies)-1].Err()
	return last != nil && isReply(last) && slices.ContainsFunc(replies, func(reply *redis.Cmd) bool {
		_, moved := redis.IsMovedError(reply.Err())
		return moved
	})
}

// result returns the ids of the messages of a call.
func (l *Log) result(c *call, replies []*redis.Cmd) ([]notify.ID, error) {
	last := replies[len(replies)-1]
	switch err := last.Err(); {
	case err == nil:
	case isReply(err):
		for _, reply := range replies { // that of EXEC does not say why
			if err := reply.Err(); err != nil {
				return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, l.c.clean(err))
			}
		}
	case errors.Is(err, errNotSent):
		return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, err)
	default:
		return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, err)
	}
	var texts []any
	switch reply := last.Val().(type) {
	case string:
		texts = []any{reply}
	case []any:
		texts = reply
	}
	if c.claim != nil {
		if len(texts) != 2 {
			return nil, errReply
		}
		if old, ok := texts[1].(string); ok {
			return nil, &notify.ClaimedError{Value: []byte(old[min(len(old), expirySize):])}
		}
		texts, _ = texts[1].([]any)
	}
	return readIDs(texts, len(c.messages))
}

// readIDs reads the ids of n messages.
func readIDs(texts []any, n int) ([]notify.ID, error) {
	if len(texts) != n {
		return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, errReply)
	}
	ids := make([]notify.ID, n)
	for i := range texts {
		text, _ := texts[i].(string)
		id, _ := parseID(text)
		var ok bool
		if ids[i], ok = id.id(); !ok {
			return nil, fmt.Errorf("%w: id %.40q of the stream cannot be that of a message",
				notify.ErrUncertain, text)
		}
	}
	return ids, nil
}
