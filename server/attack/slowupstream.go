package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// slowUpstream is where the application behind the server listens, during its attack only.
const slowUpstream = "127.0.0.3:39117"

// slowToUpstream sends slow bodies to an application behind the server, which answers when it has
// read them.
func slowToUpstream(ctx context.Context, t *target) error {
	var connections, most atomic.Int64
	app := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
		}),
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				now := connections.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); {
					old = most.Load()
					runtime.Gosched()
				}
			case http.StateClosed, http.StateHijacked:
				connections.Add(-1)
			}
		},
	}
	l, err := net.Listen("tcp", slowUpstream)
	if err != nil {
		return err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = app.Serve(l)
	}()
	defer func() {
		_ = app.Close()
		<-served
	}()
	before := openFiles(t)
	go func() {
		wait(ctx, 9*time.Second)
		t.did.add(fmt.Sprintf("%d descriptors more, %d at the upstream after 9 s",
			openFiles(t)-before, connections.Load()))
	}()
	start := "POST /form HTTP/1.1\r\nHost: " + t.addr + "\r\nContent-Length: 10000\r\n\r\nx"
	if err := slowly(ctx, t, 62*time.Second, start, "x"); err != nil {
		return err
	}
	if n := int64(t.n(500)); most.Load() > n/2 {
		t.broken("%d of %d reached the upstream before their bodies", most.Load(), n)
	}
	return nil
}
