// Package engineio serves the Engine.IO v4 protocol over WebSocket and HTTP long-polling.
package engineio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Names of the transports, as they stand in the `transport` query parameter.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Reasons given to [Handler.Close] by the package itself. [Session.Close] passes on the reason of its caller.
const (
	ReasonTransportClose = "transport close"      // the client closed, or its connection ended
	ReasonTransportError = "transport error"      // a write failed or timed out, or a transport rule was broken
	ReasonPingTimeout    = "ping timeout"         // no PONG within Options.PingTimeout
	ReasonForcedClose    = "forced close"         // the server application wanted it
	ReasonShutdown       = "server shutting down" // Server.Shutdown
	ReasonParseError     = "parse error"          // the client sent something that is not an Engine.IO packet
)

var (
	// ErrClosed is returned by the send methods of a session that is closing or closed.
	ErrClosed = errors.New("engineio: session closed")
	// ErrOverflow is returned by the send methods when the session's own queue (64 KiB) is full. The session is closed.
	ErrOverflow = errors.New("engineio: send queue overflow")
	// ErrText is returned by Send for a text that is not valid UTF-8 or contains U+001E, the separator of
	// packets on HTTP long-polling.
	ErrText = errors.New("engineio: text is not valid UTF-8 or contains U+001E")
)

// Handler receives what the client of one session sends.
//
// The calls of one session come one at a time and in the order sent, across transports. Message may block: the
// session then reads nothing more, which is the back-pressure on the client. It must return when the session's
// Context is done. The data is the handler's to keep. Close is called exactly once, as the last call.
type Handler interface {
	Message(data []byte, binary bool)
	Close(reason string)
}

// Source is where a session's messages wait until the transport can take them. Pull appends the next ones to b
// until nothing is left (it returns false) or b.Full() (it returns true). It is called by one goroutine at a
// time, after [Session.Wake]; it must not block and must not call back into the session.
type Source interface {
	Pull(b *Batch) (more bool)
}

// Options configures a Server. The zero value of each field means the default named beside it.
type Options struct {
	// PingInterval is the time between two pings (25 s). PingTimeout is how long a pong may take (60 s).
	PingInterval, PingTimeout time.Duration
	// UpgradeTimeout bounds the time between the WebSocket handshake of an upgrade and its UPGRADE packet (10 s).
	UpgradeTimeout time.Duration
	// WriteTimeout bounds one write of at most 128 KiB to a connection (10 s). A reader slower than that is closed.
	WriteTimeout time.Duration
	// ReadTimeout bounds the reading of one POST body (10 s).
	ReadTimeout time.Duration
	// MaxPayload is the largest message on WebSocket and the largest body of a POST, in bytes (1,000,000).
	MaxPayload int
	// Transports lists the transports offered (both).
	Transports []string

	// CheckOrigin decides about every request before anything else is done with it; false is answered with 403.
	// The default lets pass what has no Origin header and what names the host it was sent to.
	CheckOrigin func(*http.Request) bool
	// Admit is asked before a session is made. An error is answered with 403 and the body
	// {"code":4,"message":"Forbidden"}. An error with a method `HTTPStatus() int` chooses another status, and its
	// text is the message; with `RetryAfter() time.Duration` it sets that header too.
	Admit func(*http.Request) error
	// Context returns the context that [Session.Context] ends with the session; it must not be done by itself. The default
	// has the values of the request's context, which lets a session keep what net/http knows of the connection: some
	// hundred bytes.
	Context func(*http.Request) context.Context
	// Accept gives the handler of a new session. It is called before the first packet can arrive, and may use
	// the session already. nil closes the session.
	Accept func(*Session) Handler

	// Written is told of every batch of messages that was written: by which transport, its bytes, and the earliest
	// time that [Batch.Since] was given for it, zero for none. It is called by the goroutine that writes, so it must
	// be quick.
	Written func(transport string, bytes int, since time.Time)

	// Logger receives closed sessions (debug) and panics of handlers (error). The default discards.
	Logger *slog.Logger
}
