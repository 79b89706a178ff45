package engineio

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds that are not options. Each limits the cost of one client.
const (
	maxQueue        = 64 << 10 // bytes of a session's own queue
	batchSize       = 8 << 10  // bytes of one write on WebSocket
	payloadSize     = 32 << 10 // bytes of one polling response
	maxHeaders      = 16 << 10 // bytes of request headers
	maxParameters   = 1024     // of a query; a map of thousands takes milliseconds
	maxFragments    = 4096     // frames of one message
	maxStrays       = 100      // control frames and stray packets per second
	readBuffer      = 1 << 10  // bytes per WebSocket with a reader
	maxParked       = 5        // messages per second with a reader for each
	closeTimeout    = time.Second
	drainTimeout    = 5 * time.Second       // for the queue of a session that closes
	heldBack        = 50 * time.Millisecond // in the handler, of a client that is not busy
	noopDelay       = 20 * time.Millisecond
	shutdownEach    = time.Millisecond // of a Shutdown without a spread of its own, for each session
	scratchSize     = 4 << 10
	maxPooledBuffer = 64 << 10
	refusalRate     = 100  // refused requests per second that the server answers at once
	refusalBurst    = 1000 // of these requests at once
	refusalDelay    = time.Second
	crowdedRate     = 1000   // the same for handshakes that Options.Gate refuses:
	crowdedBurst    = 10_000 // their clients did nothing wrong, and come back at once after a restart
	maxTag          = 4      // characters: 120 random bits remain of an id
	headSize        = 256    // bytes of a message that the session does not hold
)

func (o Options) withDefaults() Options {
	o.PingInterval = positive(o.PingInterval, 25*time.Second)
	o.PingTimeout = positive(o.PingTimeout, 60*time.Second)
	o.UpgradeTimeout = positive(o.UpgradeTimeout, 10*time.Second)
	o.WriteTimeout = positive(o.WriteTimeout, 10*time.Second)
	o.ReadTimeout = positive(o.ReadTimeout, 10*time.Second)
	o.MaxPayload = positive(o.MaxPayload, 1_000_000)
	o.MaxIncomplete = max(positive(o.MaxIncomplete, 32<<20), 2*o.MaxPayload)
	if o.Transports == nil {
		o.Transports = []string{Polling, WebSocket}
	}
	if o.CheckOrigin == nil {
		o.CheckOrigin = sameOrigin
	}
	if o.Authorize == nil {
		o.Authorize = func(*Session, *http.Request) bool { return true }
	}
	if o.Context == nil {
		o.Context = func(r *http.Request) context.Context {
			return context.WithoutCancel(r.Context())
		}
	}
	if o.Tag == nil {
		o.Tag = func() string { return "" }
	}
	if o.Foreign == nil {
		o.Foreign = func(http.ResponseWriter, *http.Request, string) error { return errSession }
	}
	if o.Gate == nil {
		o.Gate = func(*http.Request) error { return nil }
	}
	if o.Accept == nil {
		o.Accept = func(*Session) (Handler, error) { return nil, errForbidden }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

func (o *Options) offers(transport string) bool {
	return (transport == Polling || transport == WebSocket) &&
		slices.Contains(o.Transports, transport)
}

// sameOrigin is the default of Options.CheckOrigin. A browser always sends Origin with a WebSocket
// handshake and with a cross-origin fetch, so a request without Origin is not from a foreign page.
func sameOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && u.User == nil && u.Host != "" &&
		strings.EqualFold(u.Host, r.Host)
}
