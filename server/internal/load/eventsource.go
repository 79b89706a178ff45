//go:build linux

package load

import (
	"bytes"
	"fmt"
)

// EventSource reads server-sent events over HTTP/1.1. A client has joined when the first byte of
// the body arrives.
type EventSource struct {
	Path string // of the request, with its query; %d becomes the client's number
	// Mark is in each notification once, and nowhere else in the stream: neither in the size of a
	// chunk nor in other events.
	Mark byte
}

const subscribe = " HTTP/1.1\r\nHost: %s\r\nUser-Agent: roomcast-bench\r\n" +
	"Accept: text/event-stream\r\nCache-Control: no-cache\r\n\r\n"

func (e *EventSource) request(host string, i int) []byte {
	path := bytes.ReplaceAll([]byte(e.Path), []byte("%d"), fmt.Append(nil, i))
	return fmt.Appendf(append([]byte("GET "), path...), subscribe, host)
}

func (e *EventSource) feed(f *Fleet, c *client, data []byte) error {
	if c.state == waiting {
		body, err := skipHead(data, "200")
		if err != nil {
			return err
		}
		if body == nil {
			c.keep(data)
			return nil
		}
		c.state, data = open, body
	}
	if len(data) > 0 {
		f.enter(c)
	}
	f.delivered += int64(bytes.Count(data, []byte{e.Mark}))
	return nil
}
