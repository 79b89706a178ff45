package redisstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A read with a late deadline goes on while bytes arrive, up to maxReply, and other reads do not.
func TestPatientConn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		deadline, pause time.Duration
		want            time.Duration // until the read fails
	}{
		{"page", pageTimeout, time.Second, pageTimeout},
		{"entry", entryTimeout, time.Second, maxReply},
		{"entry, nothing comes", entryTimeout, time.Hour, entryTimeout},
		{"entry, too slow", entryTimeout, entryTimeout + time.Second, entryTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				quit := make(chan struct{})
				defer close(quit)
				go func() {
					for {
						select {
						case <-time.After(test.pause):
						case <-quit:
							return
						}
						if _, err := far.Write([]byte{'x'}); err != nil {
							return
						}
					}
				}()
				c := patient(near, pageTimeout)
				defer c.Close()
				start := time.Now()
				_ = c.SetReadDeadline(start.Add(test.deadline))
				_, err := io.Copy(io.Discard, c)
				if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != test.want {
					t.Errorf("error %v after %v, want %v", err, took, test.want)
				}
				_ = c.SetReadDeadline(time.Now().Add(test.deadline))
				_ = c.SetDeadline(time.Now().Add(test.deadline)) // a fixed one
				start = time.Now()
				if _, err = io.Copy(io.Discard, c); time.Since(start) != test.deadline {
					t.Errorf("error %v after %v, want %v", err, time.Since(start), test.deadline)
				}
			})
		})
	}
}

// go-redis asks the socket of an idle connection whether the server has closed it.
func TestPatientConnHasSocket(t *testing.T) {
	t.Parallel()
	tcp := &net.TCPConn{}
	if _, ok := patient(tcp, pageTimeout).(syscall.Conn); !ok {
		t.Error("a TCP connection has no socket")
	}
	if _, ok := patient(tls.Client(tcp, nil), pageTimeout).(syscall.Conn); ok {
		t.Error("a TLS connection has a socket, whose bytes are not those of the server")
	}
}

// An entry that a link carries in more time than a reply may have is read.
func TestLargeEntryOverASlowLink(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	addLarge(t, s, 1, 600<<10)
	proxy := chaos.New(t, s.Addr(), 1)
	proxy.Limit(160 << 10) // 3.8 s
	c, _ := newClient(t, options("redis://"+proxy.Addr))
	c.pageTimeout, c.entryTimeout = time.Second, 3*time.Second
	l := unread(c)
	l.tail.page = 2
	err, tries := l.readHistory(t.Context()), 1
	for ; err != nil && tries < 3; tries++ { // as the tail does: a page of one succeeds
		err = l.readHistory(t.Context())
	}
	if err != nil || tries == 1 {
		t.Fatalf("error %v after %d tries", err, tries)
	}
	if n := len(l.tail.newest); n != 1 {
		t.Errorf("%d messages", n)
	}
}
