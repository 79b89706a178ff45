package sse

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// A client that disconnects ends only its own stream, although the system reuses its descriptor at
// once.
func TestChurnEndsNoOtherStream(t *testing.T) { bothWays(t, testChurnEndsNoOtherStream) }

func testChurnEndsNoOtherStream(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	stays := open(t, srv.URL+"/sse?userId=stays")
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 50 {
				conn, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "GET /sse?userId=goes HTTP/1.1\r\nHost: x\r\n\r\n")
				_, _ = io.ReadFull(conn, make([]byte, 400))
				_ = conn.Close()
			}
		}()
	}
	for ended := 0; ended < 4; {
		select {
		case <-done:
			ended++
		default:
			r.publish(t, notify.Notification{Type: "t"}, notify.ToAll())
			stays.want("t")
		}
	}
	r.awaitGone(t, 200)
	r.publish(t, notify.Notification{Type: "last"}, notify.ToAll())
	stays.want("last")
}

// A panic in a callback ends one stream, and the log reports it.
func TestPanicEndsOneStream(t *testing.T) { bothWays(t, testPanicEndsOneStream) }

func testPanicEndsOneStream(t *testing.T, w way) {
	panics := make(chan struct{}, 10)
	const evil = 12345
	r := newRig(t, Options{
		Written: func(bytes int, _ time.Time) {
			if bytes > evil {
				panic("a defect")
			}
		},
		Panicked: func() { panics <- struct{}{} },
	})
	srv := r.serve(t, w)
	good, bad := open(t, srv.URL+"/sse?userId=good"), open(t, srv.URL+"/sse?userId=bad")
	r.publish(t, notify.Notification{Type: "t", Data: raw(`"` + strings.Repeat("x", evil) + `"`)},
		notify.ToUser("bad"))
	<-panics
	r.awaitGone(t, 1)
	bad.drain()
	r.publish(t, notify.Notification{Type: "t"}, notify.ToAll())
	good.want("t")
}
