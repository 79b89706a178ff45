package redisstream

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// page is how many entries the next command asks for, so that a reply is of a moderate size. Nobody
// knows the size before.
type page int

const (
	// firstPage is also the largest one for a reader that has read everything: the next entries can be
	// large.
	firstPage = 128
	maxPage   = 512
	pageBytes = 4 << 20
	// pageTimeout is how long a reply with entries may take. A smaller page is asked for after that.
	pageTimeout = 10 * time.Second
	// entryTimeout is how long a reply with one entry may bring nothing: there is no smaller page. It is
	// longer than pageTimeout, by which patientConn tells one from the other.
	entryTimeout = 15 * time.Second
	// largeEntry is the size of an entry that a slow link does not carry in Timeout.
	largeEntry = 1 << 20
	// costlyEntry is the size of an entry that is not read again each second.
	costlyEntry = 64 << 10
)

// next learns from a reply with n entries.
func (p page) next(n, size int) page {
	limit := page(firstPage)
	if n >= int(p) {
		limit = maxPage
	}
	return max(1, min(limit, 2*p, page(pageBytes*(n+1)/(size+1))))
}

// after learns from an error. A connection that has broken, or has taken too long, can have had too much
// to carry.
func (p page) after(err error) page {
	if err == nil || isReply(err) || errors.Is(err, errNotSent) || errors.As(err, new(*dialError)) {
		return p
	}
	return max(1, p/2)
}

// timeoutOf returns the time for a reply.
func (c *Client) timeoutOf(p page) time.Duration {
	if p <= 1 {
		return c.entryTimeout
	}
	return c.pageTimeout
}

// fetch is do for commands whose replies have a page of entries.
func (l *Log) fetch(ctx context.Context, p page, commands [][]any) []*redis.Cmd {
	return l.within(ctx, l.c.timeoutOf(p), commands)
}

func readRange(cmd *redis.Cmd) ([]entry, error) {
	reply, err := cmd.Result()
	if err != nil {
		return nil, err
	}
	return readEntries(reply)
}

func sizeOf(entries []entry) (size int) {
	for i := range entries {
		size += entries[i].size
	}
	return size
}
