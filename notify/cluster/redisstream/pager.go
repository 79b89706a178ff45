package redisstream

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// tailWait is how long the server waits for new entries before it replies that there are none. It is
// also how long a stream can be away unnoticed while the connection is good, and it is below Timeout,
// so that a server that does not answer is noticed.
const tailWait = time.Second

// pager reads the stream in its order. It is not safe for concurrent use.
type pager struct {
	page   page
	memory []byte // of the last page
	isSure bool   // everything was read, so that the server may wait for more
}

// readPage returns the entries after a position, or waits for them if everything was read. They share
// memory that the next call uses again. It sends more commands with the same request, which the server
// carries out after that.
func (l *Log) readPage(ctx context.Context, p *pager, after string, more ...redis.Cmder) ([]entry, error) {
	within := l.c.timeoutOf(p.page)
	read := append(make([]any, 0, 8), "xread", "count", int(p.page))
	if p.isSure {
		read = append(read, "block", tailWait.Milliseconds())
		if p.page > 1 {
			within = l.c.timeout
		}
	}
	first := newRawCommand(ctx, p.memory, append(read, "streams", l.stream, after)...)
	commands := append(append(make([]redis.Cmder, 0, 1+len(more)), first), more...)
	l.process(ctx, within, commands)
	p.memory = first.reply.rest
	if err := commands[len(commands)-1].Err(); err != nil && !isReply(err) { // the connection is lost
		p.page = p.page.after(err)
		return nil, err
	}
	if err := first.Err(); err != nil {
		return nil, err
	}
	entries, err := first.reply.page()
	if err != nil {
		return nil, err
	}
	p.isSure, p.page = len(entries) < int(p.page), p.page.next(len(entries), sizeOf(entries))
	return entries, nil
}
