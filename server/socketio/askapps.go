package socketio

import (
	"context"
	"errors"
)

// askApps asks the applications in turn. It returns their first error, or errNoNamespace if none
// serves the namespace.
func (c *Conn) askApps(asked uint32) error {
	if asked == builtinApp {
		// The built-in events refuse no client, and a context costs 500 bytes until the client
		// leaves.
		c.apps = builtinApp
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Context(), c.client.srv.opts.ConnectTimeout)
	defer cancel()
	late := func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			c.client.end("an application did not answer a CONNECT in time")
		}
	}
	defer late()                         // a handler that ends with ctx can be faster than AfterFunc
	defer context.AfterFunc(ctx, late)() // the client does not wait for a handler that hangs
	for i, app := range c.client.srv.apps {
		if asked&(1<<i) == 0 {
			continue
		}
		err := c.askApp(ctx, app)
		switch {
		case err == nil:
			c.apps |= 1 << i
		case !errors.Is(err, ErrNotServed):
			return err
		}
	}
	if c.apps == 0 {
		return errNoNamespace
	}
	return nil
}

// askApp asks one application. A panic refuses the client and leaves the connection open.
func (c *Conn) askApp(ctx context.Context, app App) (err error) {
	defer c.client.srv.recovered("connect handler", func() { err = errInternal })
	return app.Connect(ctx, c)
}
