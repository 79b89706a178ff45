package redisstream

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// fullCodes are the replies of a server that answers and stores nothing: its memory is full, its disk is,
// or it has fewer replicas than its settings ask for. Keys expire there as always.
var fullCodes = []string{"OOM", "MISCONF", "NOREPLICAS"}

// isFull reports whether a server has replied that it stores nothing at present.
func isFull(err error) bool { return isRefused(err, fullCodes) }

// isReadOnly is isFull, and also reports a replica.
func isReadOnly(err error) bool { return isFull(err) || isRefused(err, []string{"READONLY"}) }

// isRefused reports whether a server has replied one of these codes. Before version 7 a script puts its
// own text before that.
func isRefused(err error, codes []string) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, code := range codes {
		if text := reply.Error(); strings.HasPrefix(text, code+" ") || strings.Contains(text, " -"+code+" ") {
			return true
		}
	}
	return false
}

// noteFull notes that the server stores nothing, and the log has one line.
func (c *Client) noteFull(err error) {
	if c.isFull.CompareAndSwap(false, true) {
		c.o.Log.Warn("Redis answers and stores nothing", zap.Error(err))
	}
}

// noteStored notes that the server has stored something.
func (c *Client) noteStored() {
	if c.isFull.CompareAndSwap(true, false) {
		c.o.Log.Info("Redis stores again")
	}
}

// transact sends the commands that f adds as one transaction. If the server discards it, the error is that
// of the command for which it does.
func transact(ctx context.Context, r *redis.Client, f func(redis.Pipeliner)) error {
	commands, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
		f(p)
		return nil
	})
	if err == nil || !redis.IsExecAbortError(err) {
		return err
	}
	for _, command := range commands {
		if cause := command.Err(); cause != nil && !redis.IsExecAbortError(cause) {
			return cause
		}
	}
	return err
}
