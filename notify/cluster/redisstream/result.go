package redisstream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
)

// result returns the ids of the messages of a call.
func (l *Log) result(c *call) ([]notify.ID, error) {
	last := c.commands[len(c.commands)-1]
	switch err := last.Err(); {
	case err == nil:
	case isReply(err):
		for _, command := range c.commands { // that of EXEC does not say why
			if err := command.Err(); err != nil {
				return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, l.c.clean(err))
			}
		}
	case errors.Is(err, errNotSent):
		return nil, fmt.Errorf("%w: %w", notify.ErrUnavailable, err)
	default:
		return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, err)
	}
	var texts []any
	switch last := last.(type) {
	case *redis.ZeroCopyStringCmd:
		id, err := readID(string(last.Bytes()))
		if err != nil {
			return nil, err
		}
		c.room.ids[0] = id
		return c.room.ids[:], nil
	case *redis.Cmd:
		texts, _ = last.Val().([]any)
	}
	if c.claim != nil {
		if len(texts) != 2 {
			return nil, fmt.Errorf("%w: %w", notify.ErrUncertain, errReply)
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
		var err error
		if ids[i], err = readID(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// readID reads the id of a message that was stored.
func readID(text string) (notify.ID, error) {
	id, _ := parseID(text)
	at, ok := id.id()
	if !ok {
		return notify.ID{}, fmt.Errorf("%w: id %.40q of the stream cannot be that of a message",
			notify.ErrUncertain, strings.Clone(text)) // else each text would be on the heap
	}
	return at, nil
}
