package server

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/sse"
)

// StreamAdmission returns a function for sse.Options that counts EventSource streams against the
// limits.
func StreamAdmission(limits *limit.Limiter) func(*http.Request, auth.Identity) (func(), error) {
	return func(r *http.Request, id auth.Identity) (func(), error) {
		release, err := limits.AcquireStream(edge.ClientIP(r), id.RoomUser())
		if err != nil {
			// The client gets the error in a stream with status 200, so the code is for the
			// metrics.
			edge.InfoOf(r).Code = edge.CodeTooManyConnections
			// The first error has the status and the delay.
			return nil, fmt.Errorf("%w: %w", err, sse.ErrOverloaded)
		}
		return release, nil
	}
}

// StreamAddress returns the address of a client, for sse.Options.Address: that which the limits of
// connections count.
func StreamAddress(r *http.Request) netip.Addr { return limit.Bucket(edge.ClientIP(r)) }
