//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Pattern is how notifications are published.
type Pattern struct {
	Request  []byte // an HTTP/1.1 request that publishes
	Notes    int    // notifications of one request
	UnderWay int    // requests that may be under way at once, with all their deliveries
}

// Run publishes for d, and returns how many notifications all clients together have received, and
// the time until the last of them.
func (f *Fleet) Run(
	ctx context.Context, p Pattern, d time.Duration,
) (deliveries int64, took time.Duration, err error) {
	each := int64(p.Notes) * int64(f.joined)
	start, before := time.Now(), f.delivered
	published := before
	for time.Since(start) < d {
		if err := f.publish(p.Request); err != nil {
			return 0, 0, err
		}
		published += each
		if err := f.wait(ctx, published-int64(p.UnderWay-1)*each, p.UnderWay-1); err != nil {
			return 0, 0, err
		}
	}
	if err := f.wait(ctx, published, 0); err != nil {
		return 0, 0, err
	}
	if extra := f.delivered - published; extra > 0 {
		return 0, 0, fmt.Errorf("%d deliveries more than were published", extra)
	}
	return published - before, time.Since(start), nil
}

// wait returns when the clients have received so many notifications together since New, and at most
// busy publishers wait for a response.
func (f *Fleet) wait(ctx context.Context, deliveries int64, busy int) error {
	for f.delivered < deliveries || f.busy() > busy {
		if err := f.step(ctx, longestWait); err != nil {
			return fmt.Errorf("%d of %d deliveries: %w", f.delivered, deliveries, err)
		}
	}
	return nil
}

// publisher is a backend: a connection with at most one request under way.
type publisher struct {
	*client
	busy bool
}

// publish sends a request from a publisher that waits for no response, and connects one if there is
// none. The response arrives within wait; another status than 2xx is an error there.
func (f *Fleet) publish(request []byte) error {
	for _, p := range f.publishers {
		if !p.busy {
			p.busy = true
			return f.send(p.client, request)
		}
	}
	p := &publisher{busy: true}
	var err error
	if p.client, err = f.dial(p, [4]byte{127, 0, 0, 1}, len(f.publishers)); err != nil {
		return fmt.Errorf("publisher: %w", err)
	}
	f.publishers = append(f.publishers, p)
	return f.send(p.client, request)
}

// busy is how many publishers wait for a response.
func (f *Fleet) busy() (n int) {
	for _, p := range f.publishers {
		if p.busy {
			n++
		}
	}
	return n
}

// request is empty: a publisher sends nothing before it publishes.
func (p *publisher) request(string, int) []byte { return nil }

// feed ends the request when its response is complete.
func (p *publisher) feed(_ *Fleet, c *client, data []byte) error {
	if !bytes.Contains(data, []byte("\r\n\r\n")) {
		c.keep(data)
		return nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil { // the rest of the body arrives later, or the deadline ends the wait
		c.keep(data)
		return nil
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("publish: %s: %q", response.Status, body)
	}
	p.busy = false
	return nil
}
