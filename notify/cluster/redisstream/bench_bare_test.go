package redisstream

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// barePipeline is how many entries a node sends at once for 128 publishers.
const barePipeline = 62

// bareConn sends commands as they are, and looks at nothing but the ids of entries.
type bareConn struct {
	net.Conn
	from *bufio.Reader
}

func dialBare(b *testing.B, s *redistest.Server) bareConn {
	b.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return bareConn{conn, bufio.NewReaderSize(conn, 128<<10)}
}

// skip reads a reply, and returns how many entries it has and the id of the last one.
func (c bareConn) skip(depth int) (entries int, id string, err error) {
	line, err := c.from.ReadSlice('\n')
	if err != nil {
		return 0, "", err
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	switch {
	case line[0] == '$' && depth == entryDepth:
		var text []byte
		if text, err = c.from.Peek(n); err == nil {
			entries, id = 1, string(text)
		}
		fallthrough
	case line[0] == '$' && err == nil:
		_, err = c.from.Discard(n + 2)
	case line[0] == '*':
		for range n {
			k, last, e := c.skip(depth + 1)
			if entries += k; k > 0 {
				id = last
			}
			if e != nil {
				return entries, id, e
			}
		}
	}
	return entries, id, err
}

// entryDepth is the depth of an id in a reply of XREAD.
const entryDepth = 4

// bare adds the entry of a sample b.N times, in pipelines, and reads all of them as the tail does.
func bare(b *testing.B) {
	s := redistest.Start(b, redistest.Options{})
	e, err := nodewire.FromMessage(sample(), nodewire.NewUID(), "1")
	if err != nil {
		b.Fatal(err)
	}
	f, err := e.Fields()
	if err != nil {
		b.Fatal(err)
	}
	add := bareCommand(append([]string{"xadd", "socket.io", "maxlen", "~", "100000", "*"}, f.Pairs()...)...)
	pipeline := bytes.Repeat(add, barePipeline)
	to, from := dialBare(b, s), dialBare(b, s)
	batches := b.N/barePipeline + 1
	ahead, read := make(chan struct{}, 2), make(chan error, 1)
	report := measure(b, s)
	go func() {
		at, done := "0-0", 0
		for done < batches*barePipeline {
			last := bareCommand("xrange", "socket.io", at, at)
			_, _ = from.Write(append(bareCommand("xread", "count", "128", "block", "1000", "streams",
				"socket.io", at), last...)) // else the read fails
			n, id, err := from.skip(0)
			if err == nil {
				_, _, err = from.skip(0)
			}
			if err != nil || n == 0 {
				read <- fmt.Errorf("%d entries, %w", n, err)
				return
			}
			for range (done+n)/barePipeline - done/barePipeline {
				<-ahead
			}
			at, done = id, done+n
		}
		read <- nil
	}()
	for range batches {
		select {
		case ahead <- struct{}{}:
		case err := <-read:
			b.Fatal(err)
		}
		_, _ = to.Write(pipeline)
		for range barePipeline {
			if _, _, err := to.skip(0); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := <-read; err != nil {
		b.Fatal(err)
	}
	report()
}

func bareCommand(args ...string) []byte {
	text := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, arg := range args {
		text = fmt.Appendf(text, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return text
}
