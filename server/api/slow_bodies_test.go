package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Hundreds of uploads that never end are gone after their deadline, all of them,
// whatever they are for, and hold little meanwhile.
func TestManySlowBodies(t *testing.T) {
	const deadline, sockets = 500 * time.Millisecond, 300
	hub := servertest.NewHub(t)
	address := servertest.Serve(t, edge.WithInfo(nil, edge.WithBodyDeadline(deadline, newHandler(testOptions(hub, servertest.Key)).router())))
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
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			length := []string{"Content-Length: 100000", "Transfer-Encoding: chunked"}[i%2]
			_, _ = io.WriteString(c, "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: "+servertest.Key+"\r\nContent-Type: application/json\r\n"+length+"\r\n\r\n")
			if i%2 == 1 {
				_, _ = io.WriteString(c, "5\r\n")
			}
			_, _ = io.WriteString(c, `{"tar`)
			opened.Wait() // all are open at the same time
			answer, err := io.ReadAll(c)
			if errors.Is(err, os.ErrDeadlineExceeded) || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) {
				t.Errorf("%v %.100q", err, answer)
			}
		})
	}
	done.Wait()
	stop()
	if grown := peak(); grown > 24<<20 { // with the clients' own side and the race detector's
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	if hub.Head().Seq != 0 {
		t.Error("something was published")
	}
}
