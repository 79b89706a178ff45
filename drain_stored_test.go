package main

import (
	"net/http"
	"testing"
	"time"
)

// With DATA_DIR a stop takes publishes until its end, and the clients that have left already get
// them from the next process. The listener closes last, so the status after the last publish is 0.
func TestStopStoresPublishes(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_KEYS": testKey, "PUBLISH_RATE": "0", "DATA_DIR": t.TempDir(),
		"HANDSHAKE_RATE": "20"} // which is the pace of the stop, too
	const each = 7
	p := start(t, settings)
	c := stockCrowd(t, each)
	c.aim(p.address())
	c.awaitConnects(1)
	publisher := c.publisher(p.address(), 1, time.Millisecond)
	publisher.Run(t)
	before, stopped := c.Check().Acked, time.Now()
	c.aim("") // those that leave wait for the next process
	p.stop()
	p.ended()
	if took, least := time.Since(stopped), time.Second/2; took < least { // the last close after 0.6 s
		t.Errorf("%d connections ended within %v, want %v", 2*each, took, least)
	}
	publisher.Stop()
	if status, _ := p.tryPublish(); status != 0 {
		t.Errorf("after the end a publish got %d", status)
	}
	p = start(t, settings)
	c.aim(p.address())
	c.awaitConnects(2)
	c.verify()
	if report := c.Check(); report.Refused > 0 || report.Acked <= before {
		t.Errorf("%d publishes were accepted and %d refused, %d of them before the stop", report.Acked,
			report.Refused, before)
	}
	if status, text := p.publish(testKey); status != http.StatusOK {
		t.Errorf("the next process: %d %s", status, text)
	}
	p.end()
}
