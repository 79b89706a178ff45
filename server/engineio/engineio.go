// Package engineio serves the Engine.IO v4 protocol over WebSocket and HTTP long-polling.
package engineio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Names of the transports, as in the `transport` query parameter.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Reasons that the package passes to [Handler.Close]. [Session.Close] passes the reason of its
// caller.
const (
	ReasonTransportClose = "transport close"      // the client closed the connection or lost it
	ReasonTransportError = "transport error"      // a failed write, or a violation of the transport
	ReasonPingTimeout    = "ping timeout"         // no PONG within Options.PingTimeout
	ReasonForcedClose    = "forced close"         // Session.Close of the application
	ReasonShutdown       = "server shutting down" // Server.Shutdown
	ReasonParseError     = "parse error"          // input that is no Engine.IO packet
)

var (
	// ErrClosed is returned by the send methods of a session that is closing or closed.
	ErrClosed = errors.New("engineio: session closed")
	// ErrOverflow is returned by the send methods when the session's own queue (64 KiB) is full.
	// They close the session.
	ErrOverflow = errors.New("engineio: send queue overflow")
	// ErrText is returned by Send for a text that is not valid UTF-8 or contains U+001E, which
	// separates packets on HTTP long-polling.
	ErrText = errors.New("engineio: text is not valid UTF-8 or contains U+001E")
)

// Handler receives the messages of one session's client.
//
// The session makes one call at a time, in the order of the messages, across transports. Message
// may block: the session then reads nothing, which is the back-pressure on the client. Message must
// return when the session's Context is done. The handler owns the data. Close is called exactly
// once, as the last call.
type Handler interface {
	Message(data []byte, binary bool)
	Close(reason string)
}

// Holder is a Handler that decides how much of its client's input the session holds in memory. The
// session calls Hold before it reads a message or a part of one: n bytes. Hold may block like
// Message. If it returns false, the session discards the message and then calls Exceeded instead of
// Message, with the first bytes, at most 256, which are valid during the call. They are empty for a
// binary message. In a POST the message is the whole body, and its first bytes those of the first
// packet.
type Holder interface {
	Handler
	Hold(n int) bool
	Exceeded(head []byte)
}

// Source holds the messages of a session until the transport can write them. Pull appends the next
// ones to b until none is left (it returns false) or b.Full() (it returns true). The session calls
// Pull after [Session.Wake], from one goroutine at a time. Pull must not block, because that
// goroutine may also write to other sessions. It must not call methods of the session except Close.
// A panic closes the session.
type Source interface {
	Pull(b *Batch) (more bool)
}

// Finisher is a Source that learns when its session closes. The session calls Finish after it has
// written everything that the Source had, and again until Finish returns true: false means that the
// Source has more and still takes messages. Then it pulls the messages that arrived before the last
// call, and ends. So no message is lost if the Source takes none after Finish has returned true.
// Finish must not block.
type Finisher interface {
	Finish() (done bool)
}

// Options configures a Server. A zero field has the default in its comment.
type Options struct {
	// PingInterval is the time between two pings (25 s). PingTimeout is the maximum time until the
	// pong (60 s).
	PingInterval, PingTimeout time.Duration
	// UpgradeTimeout bounds the time from the WebSocket handshake of an upgrade to its UPGRADE
	// packet (10 s).
	UpgradeTimeout time.Duration
	// WriteTimeout bounds one write of at most 16 KiB to a connection (10 s). A slower reader is
	// disconnected.
	WriteTimeout time.Duration
	// ReadTimeout bounds the time to read one POST body (10 s).
	ReadTimeout time.Duration
	// MaxPayload is the maximum size of a message on WebSocket and of the body of a POST, in bytes
	// (1,000,000).
	MaxPayload int
	// ReceiveRate bounds what one session takes, in bytes per second (no limit). Small input costs
	// time, so each WebSocket frame counts as 0.5 KiB more, each message and control frame as another
	// 2 KiB, each packet of a POST as 0.5 KiB, each request of a polling session as 16 KiB, and
	// each upgrade as 64 KiB. What a client may send in 8 seconds, at least MaxPayload, it may send
	// at once. The session reads further input later. It closes a client that sends more for 8 seconds without waiting for
	// answers, unless the bytes are mostly those of messages. With a rate, the Server also answers
	// requests that it refuses, above 100 per second, a second later.
	ReceiveRate int
	// MaxIncomplete bounds the memory of messages and bodies of which a part has not arrived, of all
	// sessions together, in bytes (32 MiB, at least twice MaxPayload). Those of up to 4 KiB do not
	// count. When there are more, the largest ends its session, with close code 1013 or status 503.
	MaxIncomplete int
	// Transports lists the transports to offer (both).
	Transports []string

	// CheckOrigin decides about every request first; false answers it with 403. The default allows
	// requests without Origin header and requests from the same host.
	CheckOrigin func(*http.Request) bool
	// Authorize is called for each later request with the id of a session: a GET, a POST, or the
	// WebSocket of an upgrade. It reports whether the request is from the session's client. false
	// answers the request as if there were no such session, and changes nothing. The default allows
	// everyone who knows the id. The session may be closed already.
	Authorize func(*Session, *http.Request) bool
	// Context returns the parent of [Session.Context]; the session ends its own context. The
	// default has the values of the request's context, which makes a session retain net/http's
	// connection state: some hundred bytes.
	Context func(*http.Request) context.Context
	// Tag returns the first characters of the ids of new sessions, of the base64 alphabet for URLs and
	// at most 4. Several servers behind one address have different tags, so that they know whose
	// session a request is for. The default has none.
	Tag func() string
	// Foreign is called for a request with an id of which the server has no session, so that another
	// server can answer. It returns nil when the request is answered. Otherwise it has written nothing:
	// an error as Accept describes it selects the response, os.ErrDeadlineExceeded is that of a body
	// which does not arrive, and others answer as if there were no such session. The default answers
	// so, too.
	Foreign func(w http.ResponseWriter, r *http.Request, sid string) error
	// Gate is called for each valid handshake before the server has a session for it. An error refuses
	// the handshake as one of Accept does. The default lets all pass.
	Gate func(*http.Request) error
	// Accept returns the handler of a new session. It is called before the response to the
	// handshake, and may use the session already. If the handshake fails afterwards, the handler's
	// Close is called. An error, without a handler, answers the request with 403 and the body
	// {"code":4,"message":"Forbidden"}. An error with the method `HTTPStatus() int` selects another
	// status and has the message as its text; the method `RetryAfter() time.Duration` sets that
	// header.
	Accept func(*Session) (Handler, error)

	// Written is called after each write of a batch, with the transport, the bytes, and the time of
	// the first [Batch.Since], or zero if there was none. The goroutine that calls it may also
	// write to other sessions, so Written must be fast.
	Written func(transport string, bytes int, since time.Time)

	// Logger receives closed sessions (debug) and panics of handlers (error). The default logs
	// nothing.
	Logger *slog.Logger
}
