package client

import (
	"context"
	"net"
	"time"
)

func (o Options) dial(ctx context.Context) (net.Conn, error) {
	if o.Dial != nil {
		return o.Dial(ctx)
	}
	base := o.Base
	if o.Target != nil {
		base = o.Target()
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", base)
}

// impatient is a connection with a deadline for each read.
type impatient struct {
	net.Conn
	silence time.Duration
}

func (c *impatient) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.silence))
	return c.Conn.Read(p)
}
