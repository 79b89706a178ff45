//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// hookClients are Socket.IO clients that send events and wait for acknowledgements.
type hookClients struct {
	all    []*hookClient
	end    chan struct{}
	once   sync.Once
	paused atomic.Bool
	wait   sync.WaitGroup

	mu     sync.Mutex
	counts hookCounts
}

// hookCounts is what the clients have got.
type hookCounts struct {
	ok, unavailable, disorder int
	lastUnavailable           time.Time
	latencies                 []float64 // milliseconds
}

func (c *hookCounts) quantile(q float64) float64 {
	if len(c.latencies) == 0 {
		return 0
	}
	slices.Sort(c.latencies)
	return c.latencies[int(q*float64(len(c.latencies)-1))]
}

// onTheWay is the number of events of a client whose times are kept: more than the server lets wait.
const onTheWay = 1024

type hookClient struct {
	conn *websocket.Conn
	mu   sync.Mutex
	sent [onTheWay]time.Time
	next int
	last int // acknowledged
}

func dialHookClients(ctx context.Context, host string, n int) (*hookClients, error) {
	clients := &hookClients{end: make(chan struct{})}
	for i := range n {
		address := "ws://" + host + "/socket.io/?EIO=4&transport=websocket"
		conn, response, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
		if err != nil {
			clients.close()
			return nil, err
		}
		_ = response.Body.Close()
		client := &hookClient{conn: conn, last: -1}
		clients.all = append(clients.all, client)
		if err := client.join(i); err != nil {
			clients.close()
			return nil, err
		}
		clients.wait.Go(func() { clients.read(client) })
	}
	return clients, nil
}

func (c *hookClient) join(i int) error {
	if err := c.write(fmt.Sprintf(`40{"userId":"u%d"}`, i)); err != nil {
		return err
	}
	for {
		_, text, err := c.conn.ReadMessage()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(text, []byte("44")):
			return errors.New(string(text))
		case bytes.HasPrefix(text, []byte("40")):
			return nil
		}
	}
}

func (c *hookClient) write(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// send makes all clients send events, together so many per second, until stop is called.
func (h *hookClients) send(rate int) (stop func()) {
	interval := time.Duration(float64(time.Second) * float64(len(h.all)) / float64(rate))
	for _, c := range h.all {
		h.wait.Go(func() {
			timer := time.NewTimer(rand.N(interval)) // so that they do not send at the same time
			defer timer.Stop()
			next := time.Now()
			for {
				select {
				case <-h.end:
					return
				case now := <-timer.C:
					next = next.Add(interval)
					if !h.paused.Load() && c.emit(now) != nil {
						return
					}
					timer.Reset(time.Until(next))
				}
			}
		})
	}
	return func() { h.once.Do(func() { close(h.end) }) }
}

func (c *hookClient) emit(now time.Time) error {
	c.mu.Lock()
	n := c.next
	c.next++
	c.sent[n%onTheWay] = now
	c.mu.Unlock()
	return c.write(fmt.Sprintf(`42%d["n",%d]`, n, n))
}

func (h *hookClients) read(c *hookClient) {
	for {
		_, text, err := c.conn.ReadMessage()
		switch {
		case err != nil:
			return
		case string(text) == "2":
			if c.write("3") != nil {
				return
			}
		case bytes.HasPrefix(text, []byte("43")):
			h.acknowledged(c, text[2:])
		}
	}
}

// acknowledged counts an acknowledgement such as 7[7], or 7[{"error":…}].
func (h *hookClients) acknowledged(c *hookClient, text []byte) {
	id, value, _ := bytes.Cut(text, []byte("["))
	n, err := strconv.Atoi(string(id))
	now := time.Now()
	c.mu.Lock()
	took := now.Sub(c.sent[n%onTheWay])
	ordered := err == nil && n == c.last+1
	c.last = n
	c.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !ordered {
		h.counts.disorder++
	}
	if bytes.HasPrefix(value, []byte("{")) {
		h.counts.unavailable++
		h.counts.lastUnavailable = now
		return
	}
	h.counts.ok++
	h.counts.latencies = append(h.counts.latencies, float64(took)/float64(time.Millisecond))
}

// reset returns the counts and starts again.
func (h *hookClients) reset() hookCounts {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := h.counts
	h.counts = hookCounts{}
	return counts
}

// pause makes the clients send nothing more.
func (h *hookClients) pause() { h.paused.Store(true) }

// settle waits until all events are acknowledged.
func (h *hookClients) settle(ctx context.Context) error {
	for _, c := range h.all {
		for c.waits() {
			if err := wait(ctx, 10*time.Millisecond); err != nil {
				return fmt.Errorf("events are not acknowledged: %w", err)
			}
		}
	}
	return nil
}

func (c *hookClient) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last < c.next-1
}

func (h *hookClients) close() {
	h.once.Do(func() { close(h.end) })
	for _, c := range h.all {
		_ = c.conn.Close()
	}
	h.wait.Wait()
}
