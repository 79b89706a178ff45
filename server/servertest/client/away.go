package client

import (
	"slices"
	"time"
)

// Away returns how long each absence took, from the loss of a connection to the next event
// `connected`.
func (c *Client) Away() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.away)
}

// Connected reports whether the client has a connection that has got the event `connected`.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Connects() > 0 && c.since.IsZero()
}

// leave begins an absence, unless one lasts.
func (c *Client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() && c.Connects() > 0 {
		c.since = time.Now()
	}
}

// back ends an absence.
func (c *Client) back() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.since.IsZero() {
		c.away = append(c.away, time.Since(c.since))
		c.since = time.Time{}
	}
}
