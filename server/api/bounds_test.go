package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// The tests in this file measure the heap of the process, so none of them is parallel: parallel
// tests run after all sequential tests have ended.

// Parallel uploads of large bodies share a bounded number of buffers.
func TestLargeBodiesHeap(t *testing.T) {
	if testing.Short() {
		t.Skip("uploads 100 bodies of 10 MB")
	}
	address := strings.TrimPrefix(serveHub(t, servertest.NewHub(t)), "http://")
	chunk := []byte("10000\r\n" + strings.Repeat("1,1,1,1,", 64<<10/8) + "\r\n")
	peak, stop := servertest.WatchHeap()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			_, err = fmt.Fprintf(c,
				"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"+
					"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n"+
					"{\"x\":[\r\n", servertest.Key)
			for i := 0; i < 160 && err == nil; i++ {
				_, err = c.Write(chunk)
			}
			var status [13]byte
			if _, err := io.ReadFull(c, status[:]); err != nil {
				return // the server reset the connection while the client was still sending
			}
			if s := string(status[:]); s != "HTTP/1.1 413 " && s != "HTTP/1.1 503 " {
				t.Errorf("%q", s)
			}
		})
	}
	wg.Wait()
	stop()
	grown := peak()
	t.Logf("the heap grew by %d KiB", grown>>10)
	if grown > 24<<20 { // usually 13 to 18 MiB; without the shared buffers it would be 100 MiB
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// Uploads that never end hold little memory until their deadline ends all of them.
func TestSlowBodiesHeap(t *testing.T) {
	const deadline, sockets = 500 * time.Millisecond, 300
	hub := servertest.NewHub(t)
	router := newHandler(testOptions(hub, servertest.Key)).router()
	address := servertest.Serve(t, edge.WithInfo(nil, edge.WithBodyDeadline(deadline, router)))
	peak, stop := servertest.WatchHeap()
	var opened, done sync.WaitGroup
	opened.Add(sockets)
	for i := range sockets {
		done.Go(func() {
			c, err := net.Dial("tcp", address)
			opened.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			length := []string{"Content-Length: 100000", "Transfer-Encoding: chunked"}[i%2]
			_, _ = io.WriteString(c,
				"POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: "+servertest.Key+
					"\r\nContent-Type: application/json\r\n"+length+"\r\n\r\n")
			if i%2 == 1 {
				_, _ = io.WriteString(c, "5\r\n")
			}
			_, _ = io.WriteString(c, `{"tar`)
			opened.Wait() // all connections are open at the same time
			answer, err := io.ReadAll(c)
			if errors.Is(err, os.ErrDeadlineExceeded) ||
				!bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) {
				t.Errorf("%v %.100q", err, answer)
			}
		})
	}
	done.Wait()
	stop()
	if grown := peak(); grown > 24<<20 { // it includes the clients and the race detector
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	if hub.Head().Seq != 0 {
		t.Error("the server published something")
	}
}
