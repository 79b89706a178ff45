package redisstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/internal/queue"
	"github.com/roomcast/roomcast/server/servertest"
)

// givingUp is a server of a Redis Cluster of one, which stores some entries while it still has the keys,
// refuses those that follow, as the former primary does after CLUSTER FAILOVER, and then all others.
type givingUp struct {
	addr string

	mu       sync.Mutex
	left     int      // entries that it stores before it has given up the keys
	refuses  int      // commands that it refuses then, before it has the keys again
	inMulti  bool     // of the one connection that sends
	isBroken bool     // a command of the transaction was refused
	got      []string // the commands for keys, and whether they were refused
	stored   int
}

func startGivingUp(t *testing.T, left, refuses int) *givingUp {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &givingUp{addr: listener.Addr().String(), left: left, refuses: refuses}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { g.serve(conn) }) // the client closes it
		}
	})
	return g
}

func (g *givingUp) serve(conn net.Conn) {
	defer conn.Close()
	from := bufio.NewReader(conn)
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return
		}
		n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
		args := make([]string, n)
		for i := range args {
			line, err := from.ReadString('\n')
			if err != nil {
				return
			}
			size, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
			text := make([]byte, size+2)
			if _, err := io.ReadFull(from, text); err != nil {
				return
			}
			args[i] = string(text[:size])
		}
		if _, err := io.WriteString(conn, g.reply(args)); err != nil {
			return
		}
	}
}

func (g *givingUp) reply(args []string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	host, port, _ := net.SplitHostPort(g.addr)
	switch strings.ToLower(args[0]) {
	case "hello":
		return "-ERR unknown command\r\n"
	case "cluster":
		return fmt.Sprintf("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$%d\r\n%s\r\n:%s\r\n$4\r\nnode\r\n", len(host),
			host, port)
	case "command":
		return "*0\r\n"
	case "wait":
		g.got = append(g.got, "wait")
		return ":1\r\n"
	case "multi":
		g.inMulti, g.isBroken = true, false
		return "+OK\r\n"
	case "exec":
		g.inMulti = false
		if g.isBroken {
			return "-EXECABORT Transaction discarded because of previous errors.\r\n"
		}
		return "*2\r\n" + g.id() + g.id()
	case "xadd":
		return g.xadd()
	case "xread":
		if g.isRefused() {
			return g.moved()
		}
		return "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*0\r\n"
	case "xrange":
		if g.isRefused() {
			return g.moved()
		}
		return "*0\r\n"
	}
	return "+OK\r\n"
}

// isRefused reports whether the next command is for keys that the server has given up.
func (g *givingUp) isRefused() bool {
	switch {
	case g.left > 0:
		g.left--
	case g.refuses > 0:
		g.refuses--
		return true
	}
	return false
}

func (g *givingUp) moved() string {
	g.got = append(g.got, "moved")
	return "-MOVED 1 " + g.addr + "\r\n"
}

func (g *givingUp) xadd() string {
	if g.isRefused() {
		g.isBroken = true
		return g.moved()
	}
	if g.inMulti {
		return "+QUEUED\r\n"
	}
	return g.id()
}

func (g *givingUp) id() string {
	g.stored++
	g.got = append(g.got, "stored")
	id := fmt.Sprint("1795862273192-", g.stored)
	return fmt.Sprintf("$%d\r\n%s\r\n", len(id), id)
}

func (g *givingUp) commands() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got)
}

// logOf returns the writer of a log, which nothing reads.
func (g *givingUp) logOf(t *testing.T, replicate bool) *Log {
	t.Helper()
	c, _ := newClient(t, unhurried(options("redis://"+g.addr+"?cluster=true")))
	l := &Log{of: c, c: c, o: DefaultLogOptions(), uid: nodewire.NewUID(),
		queue: queue.New[*call](errQueueFull), stream: c.o.Stream, maxLen: 1000}
	l.c.o.Replicate = replicate
	l.pending.calls, l.calls.l = make(map[string]waiting), l
	return l
}

// A server that gives up the keys within a pipeline stores the first calls: only those that it has
// refused are sent again.
func TestMovedWithinPipeline(t *testing.T) {
	t.Parallel()
	g := startGivingUp(t, 1, 3)
	l := g.logOf(t, true)
	var calls []*call
	for _, n := range []int{1, 1, 2} { // messages; two are a transaction
		messages := make([]*notify.Message, n)
		for i := range messages {
			messages[i] = message("x")
		}
		c, err := l.newCall(t.Context(), messages)
		if err != nil {
			t.Fatal(err)
		}
		l.pending.add(c)
		calls = append(calls, c)
	}
	l.send(calls)
	for i, c := range calls {
		l.pending.leave(c, notify.ErrUncertain) // nil with a reply
		if err := servertest.Receive(t, c.done); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	want := []string{"stored", "moved", "moved", "moved", "wait", "stored", "stored", "stored", "wait"}
	if !slices.Equal(g.commands(), want) {
		t.Errorf("the server got %q, want %q", g.commands(), want)
	}
}

// The same for entries of calls between servers.
func TestMovedWithinEntries(t *testing.T) {
	t.Parallel()
	g := startGivingUp(t, 1, 2)
	l := g.logOf(t, false)
	e := &nodewire.Entry{Type: nodewire.TypeHello, UID: l.uid, Namespace: "/"}
	if err := l.Calls().Append(t.Context(), e, e, e); err != nil {
		t.Error(err)
	}
	if want := []string{"stored", "moved", "moved", "stored", "stored"}; !slices.Equal(g.commands(), want) {
		t.Errorf("the server got %q, want %q", g.commands(), want)
	}
}

// A server that refuses everything is not asked without an end, and nothing is stored.
func TestMovedAlways(t *testing.T) {
	t.Parallel()
	g := startGivingUp(t, 0, 1000)
	l := g.logOf(t, false)
	c, err := l.newCall(t.Context(), []*notify.Message{message("x"), message("y")})
	if err != nil {
		t.Fatal(err)
	}
	l.pending.add(c)
	l.send([]*call{c})
	if err := servertest.Receive(t, c.done); err == nil || !strings.Contains(err.Error(), "MOVED") {
		t.Errorf("error %v", err)
	}
	if want := []string{"moved", "moved", "moved", "moved"}; !slices.Equal(g.commands(), want) {
		t.Errorf("the server got %q, want %q", g.commands(), want)
	}
}

// What is read is read again, too, whether a server refuses all of a request or the end of it.
func TestMovedWithinPage(t *testing.T) {
	t.Parallel()
	for left, refuses := range []int{2, 1} {
		g := startGivingUp(t, left, refuses)
		l := g.logOf(t, false)
		behind := redis.NewCmd(t.Context(), "xrange", l.stream, "-", "+")
		entries, err := l.readPage(t.Context(), &pager{page: 1}, "0-0", behind)
		if err != nil || behind.Err() != nil || len(entries) != 1 || entries[0].id != (streamID{1, 1}) {
			t.Errorf("%d refused: %v, %v, %v", refuses, entries, err, behind.Err())
		}
		if n := len(g.commands()); n != refuses {
			t.Errorf("the server refused %d, want %d", n, refuses)
		}
	}
}
