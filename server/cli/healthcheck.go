package cli

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/roomcast/roomcast/config"
)

// Healthcheck requests /readyz, so that an image without a shell can have a HEALTHCHECK.
type Healthcheck struct {
	remote
	Live    bool          `name:"live" help:"Check that the process responds (/livez), not that it is ready."`
	Timeout time.Duration `name:"timeout" default:"3s" min:"10ms" max:"10m" help:"Maximum time until the response."`
	JSON    bool          `name:"json" help:"Print the result as JSON."`
}

// Run sends the request. Every error has exit code 1, because container engines reserve the others.
func (h *Healthcheck) Run(e Environment, c config.Config) error {
	server, err := h.target(c)
	if err != nil {
		return err
	}
	path := "/readyz"
	if h.Live {
		path = "/livez"
	}
	r, err := http.NewRequestWithContext(e.Context, http.MethodGet, server.at(path).String(), nil)
	if err != nil {
		return err
	}
	start := time.Now()
	if _, err := server.call(r, h.Timeout); err != nil {
		return errors.New(err.Error()) // without its type: every failure has code 1
	}
	took := time.Since(start).Round(time.Millisecond)
	if h.JSON {
		return printJSON(e.Stdout, map[string]any{
			"ok": true, "url": server.name() + path, "ms": took.Milliseconds(),
		})
	}
	_, err = fmt.Fprintf(e.Stdout, "%s answered in %s\n", server.name()+path, took)
	return err
}
