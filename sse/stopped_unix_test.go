//go:build unix

package sse

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	faults "github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
)

// N02: the process of a reader does not run for longer than a write may wait, so the stream is cut.
// When it runs again it resumes after what it has read, with everything once and in order. In make
// soak it does not run for a minute, and a write may wait for the default time.
func TestStoppedReader(t *testing.T) {
	t.Parallel()
	o, stopped := Options{WriteTimeout: 300 * time.Millisecond}, time.Duration(0)
	if servertest.Soaking() {
		o.WriteTimeout, stopped = DefaultOptions().WriteTimeout, time.Minute
	}
	r := newRig(t, o)
	srv := r.serve(t, taken)
	book, count := oracle.NewBook(), 0
	publish := func() {
		key := fmt.Sprint("m", count)
		count++
		book.Try(key, "c")
		data := raw(`"` + key + " " + strings.Repeat("x", 64<<10) + `"`)
		book.Acked(key, r.publish(t, notify.Notification{Type: faults.Type, Data: data},
			notify.ToChannel("c")))
	}
	process := faults.StartElsewhere(t, faults.Options{Base: srv.Listener.Addr().String(),
		Transport: faults.EventSource, User: "u1", Channels: []string{"c"},
		Pause: 10 * time.Millisecond}, book.Reader("reader", "c"))
	servertest.Eventually(t, "the reader connects", func() bool { return r.hub.UserOnline("u1") })
	publish()
	book.Verify(t)

	start := time.Now()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for n := 0; r.hub.UserOnline("u1"); n++ {
		if n < 200 { // more than the buffers of the kernel, and less than the history
			publish()
			continue
		}
		if time.Since(start) > servertest.Patience {
			t.Fatal("a stream that takes no bytes is still there")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("the stream was cut after %v", time.Since(start))
	time.Sleep(stopped - time.Since(start))
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	publish()
	report := book.Verify(t)
	if t.Log(report); report.Gaps > 0 {
		t.Error("the server kept everything and reports a gap")
	}
}
