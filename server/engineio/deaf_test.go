package engineio

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A client that answers pings and reads nothing is closed when a write has waited for WriteTimeout.
func TestClientThatOnlyAnswersPingsIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, client := piped(Options{ReceiveRate: testRate})
		var answering sync.WaitGroup
		answering.Go(func() {
			for pong := frames("\x813"); ; time.Sleep(100 * time.Millisecond) {
				if _, err := client.Write(pong); err != nil {
					return
				}
			}
		})
		start := time.Now()
		h.SetSource(&endlessSource{frame: NewFrame(bytes.Repeat([]byte("x"), 1000))})
		reason := <-h.closed
		if took := time.Since(start); reason != ReasonTransportError || took != 10*second {
			t.Errorf("closed by %q after %v, want 10 s", reason, took)
		}
		client.Close()
		answering.Wait()
	})
}

// Packets that a client must not send, or sends too early, do no more than end its own session.
func TestEarlyPackets(t *testing.T) {
	t.Parallel()
	for packet, open := range map[string]bool{
		"3": true, "3probe": true, "6": true, "2": false, "2probe": false, "0{}": false, "5": false,
		"1": false, "7": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			h, client := piped(Options{ReceiveRate: testRate})
			go func() { _, _ = io.Copy(io.Discard, client) }() // ends with the connection
			if _, err := client.Write(frames("\x81" + packet)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := !h.Closed(); got != open {
				t.Errorf("%q: open %v", packet, got)
			}
			client.Close()
			<-h.closed
		})
	}
}
