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
	ctx, cancel := context.WithTimeout(l.c.life, l.c.timeout)
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
	commands := l.sending[:0]
	for _, c := range calls {
		commands = append(commands, c.commands...)
	}
	var wait *redis.Cmd
	if l.c.o.Replicate {
		wait = redis.NewCmd(ctx, waitForReplica...)
		commands = append(commands, wait)
	}
	l.try(ctx, l.c.timeout, commands)
	clear(commands) // the next batch has the same memory
	l.sending = commands
	var late error
	if wait != nil {
		late = l.c.replicated(wait)
	}
	now := time.Now()
	l.pending.mu.Lock()
	defer l.pending.mu.Unlock()
	for _, c := range calls {
		if again && isMoved(c.commands) {
			refused = append(refused, c)
			continue
		}
		ids, err := l.result(c)
		if late != nil && (err == nil || isClaimed(err)) {
			err = late
		}
		l.pending.reply(c, ids, err, now)
	}
	return refused
}

// isClaimed reports whether a claim has a value, which a replica may not have either.
func isClaimed(err error) bool {
	var claimed *notify.ClaimedError
	return errors.As(err, &claimed)
}

// do sends commands to the server that has the stream, on one connection, and returns them with their
// replies or errors. What a server refuses because it does not have the keys is sent again, to the one
// that has them. The first commands can have been carried out.
func (l *Log) do(ctx context.Context, commands [][]any) []*redis.Cmd {
	return l.within(ctx, l.c.timeout, commands)
}

// within is do with the time that the replies may take.
func (l *Log) within(ctx context.Context, d time.Duration, commands [][]any) []*redis.Cmd {
	sent := commandsOf(ctx, commands)
	l.process(ctx, d, sent)
	replies := make([]*redis.Cmd, len(sent))
	for i := range sent {
		replies[i] = sent[i].(*redis.Cmd)
	}
	return replies
}

func commandsOf(ctx context.Context, commands [][]any) []redis.Cmder {
	all := make([]redis.Cmder, len(commands))
	for i, command := range commands {
		all[i] = redis.NewCmd(ctx, command...)
	}
	return all
}

// process is within for commands that get their replies.
func (l *Log) process(ctx context.Context, d time.Duration, commands []redis.Cmder) {
	l.try(ctx, d, commands)
	if again := refusedOf(commands); len(again) > 0 && l.c.reload(ctx) {
		l.try(ctx, d, again)
	}
}

// refusedOf returns the commands to send again. A transaction is one command, and WAIT is for those
// before it.
func refusedOf(commands []redis.Cmder) (again []redis.Cmder) {
	for i, n := 0, 0; i < len(commands); i += n {
		n = 1
		if commands[i].Name() == "multi" {
			n += slices.IndexFunc(commands[i:], func(c redis.Cmder) bool { return c.Name() == "exec" })
		}
		if isMoved(commands[i:i+n]) || len(again) > 0 && commands[i].Name() == "wait" {
			again = append(again, commands[i:i+n]...)
		}
	}
	return again
}

// try sends commands once. Each has its reply or error then.
func (l *Log) try(ctx context.Context, d time.Duration, commands []redis.Cmder) {
	server, err := l.c.server(ctx)
	if err != nil {
		fail(commands, fmt.Errorf("%w: %w", errNotSent, l.c.result(err)))
		return
	}
	if d != l.c.timeout {
		server = server.WithTimeout(d)
	}
	pipe := server.Pipeline()
	_ = pipe.BatchProcess(ctx, commands...)
	if _, err := pipe.Exec(ctx); err != nil && hasNoError(commands) {
		fail(commands, fmt.Errorf("%w: %w", errNotSent, l.c.result(err)))
		return
	}
	// The last one has the error of the connection, if there is one.
	last := commands[len(commands)-1]
	if err := last.Err(); err == nil || isReply(err) {
		_ = l.c.result(nil)
	} else {
		err = l.c.result(err)
		for _, command := range commands {
			if failed := command.Err(); failed != nil && !isReply(failed) {
				command.SetErr(notSent(failed, err))
			}
		}
	}
}

// hasNoError is true for commands of which the server has replied an error to none. When it refuses a new
// connection, because of its credentials for example, go-redis returns that error and leaves the commands as
// they were, without a value.
func hasNoError(commands []redis.Cmder) bool {
	return !slices.ContainsFunc(commands, func(c redis.Cmder) bool { return c.Err() != nil })
}

// fail gives all commands an error.
func fail(commands []redis.Cmder, err error) {
	for _, command := range commands {
		command.SetErr(err)
	}
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
func isMoved(commands []redis.Cmder) bool {
	last := commands[len(commands)-1].Err()
	return last != nil && isReply(last) && slices.ContainsFunc(commands, func(command redis.Cmder) bool {
		_, moved := redis.IsMovedError(command.Err())
		return moved
	})
}
