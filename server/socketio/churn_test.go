package socketio

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// Thousands of connections leave no goroutine, file, member or Engine.IO session behind, however
// they end.
func TestChurnLeavesNothing(t *testing.T) {
	const parallel = 8
	each := servertest.Soaked(400)
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	early := "\x81\x81\x00\x00\x00\x003" // a PONG before the client reads OPEN
	connect := "\x81\x91\x00\x00\x00\x00" + `40{"userId":"u1"}`
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.MaxSessions = 100 })
	})
	s.Alive()
	ends := map[string]func(net.Conn){
		"FIN": func(c net.Conn) { _ = c.Close() },
		"RST": func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
	}
	// Each kind is one request on one socket, the bytes to send after the response, and the text to
	// read before the end.
	kinds := map[string]struct{ request, then, until string }{
		"websocket, never connects": {"GET /socket.io/?EIO=4&transport=websocket " +
			"HTTP/1.1\r\nHost: x\r\n" + upgrade, early, `0{"sid"`},
		"websocket": {"GET /socket.io/?EIO=4&transport=websocket " +
			"HTTP/1.1\r\nHost: x\r\n" + upgrade, early + connect, `["connected"`},
		"websocket, half a frame": {"GET /socket.io/?EIO=4&transport=websocket " +
			"HTTP/1.1\r\nHost: x\r\n" + upgrade, connect + "\x81\xfe\x10", `["connected"`},
		"EventSource": {"GET /sse?userId=u1&channels=a HTTP/1.1\r\nHost: x\r\n\r\n",
			"", `"type":"connected"`},
	}
	wait := func(what string, goroutines, files int) {
		t.Helper()
		servertest.Eventually(t, "everything of "+what+" is gone", func() bool {
			return s.Hub.Total() == 0 && s.sio.engine.Len() == 0 && len(s.sio.clients.all()) == 0 &&
				s.sio.ending.len() == 0 &&
				runtime.NumGoroutine() <= goroutines+5 && openFiles(t) <= files+5
		})
	}
	servertest.Eventually(t, "the prober is gone", func() bool { return s.Hub.Total() == 0 })
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for what, kind := range kinds {
		for how, end := range ends {
			inParallel(parallel, each/parallel/2, func() error {
				c, err := net.Dial("tcp", s.Base)
				if err != nil {
					return err
				}
				defer end(c)
				_ = c.SetDeadline(time.Now().Add(servertest.Patience))
				if _, err := io.WriteString(c, kind.request); err != nil {
					return err
				}
				in := bufio.NewReader(c)
				if err := readUntil(in, "\r\n\r\n"); err != nil {
					return err
				}
				if _, err := io.WriteString(c, kind.then); err != nil {
					return err
				}
				return readUntil(in, kind.until)
			}, t.Error)
			wait(what+" ended by "+how, goroutines, files)
		}
	}

	transport := &http.Transport{MaxIdleConnsPerHost: parallel}
	client := &http.Client{Transport: transport, Timeout: servertest.Patience}
	url := "http://" + s.Base + "/socket.io/?EIO=4&transport=polling"
	ask := func(method, url, body string) (string, error) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		res, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = errors.New(res.Status + string(text))
		}
		return string(text), err
	}
	inParallel(parallel, each/parallel, func() error {
		open, err := ask("GET", url, "")
		if err != nil {
			return err
		}
		sid := url + "&sid=" + strings.Split(open, `"`)[3]
		for _, step := range []struct {
			method,
			body string
		}{{"POST", `3` + "\x1e" + `40{"userId":"u1"}`}, {"GET", ""}, {"POST", "1"}} {
			if _, err := ask(step.method, sid, step.body); err != nil {
				return err
			}
		}
		return nil
	}, t.Error)
	transport.CloseIdleConnections()
	wait("polling", goroutines, files)
	if n := s.sio.Panics(); n != 0 {
		t.Errorf("%d panics", n)
	}
	s.Alive()
}

func (e *ending) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.all)
}

// inParallel calls f the given number of times in each of n goroutines and reports its errors.
func inParallel(n, times int, f func() error, failed func(...any)) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for range times {
				if err := f(); err != nil {
					failed(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func readUntil(in *bufio.Reader, text string) error {
	var all strings.Builder
	for !strings.HasSuffix(all.String(), text) {
		b, err := in.ReadByte()
		if err != nil {
			return errors.Join(err, errors.New("after "+all.String()))
		}
		all.WriteByte(b)
	}
	return nil
}

// openFiles returns the number of open descriptors of the process, 0 on systems that do not report
// it.
func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.EINVAL) {
		t.Fatal(err)
	}
	return len(names)
}
