package engineio

import (
	"context"
	"net/http"
	"time"
)

// Session is one client, over whatever transport it uses at the time. Its methods are safe for concurrent use
// and never block.
type Session struct{}

// ID returns the session id. It is a secret of the client: whoever knows it can read the session. Do not log it.
func (s *Session) ID() string { return "" }

// Request returns the handshake request: method, URL, host, remote address, TLS state, the values of its context
// and its headers but for those of the connection itself. It has no body.
func (s *Session) Request() *http.Request { return nil }

// RemoteAddr returns the network address of the handshake.
func (s *Session) RemoteAddr() string { return "" }

// Transport returns the present transport, Polling or WebSocket.
func (s *Session) Transport() string { return Polling }

// Context carries the values of the handshake request's context. It is done when the session is closed.
func (s *Session) Context() context.Context { return context.Background() }

// LastReceived returns when the last bytes came from the client.
func (s *Session) LastReceived() time.Time { return time.Time{} }

// Writable reports whether a message sent now would leave at once.
func (s *Session) Writable() bool { return false }

// ReadyState returns "open", "closing" or "closed".
func (s *Session) ReadyState() string { return "open" }

// Closed reports whether the session is closed. A closing one is not.
func (s *Session) Closed() bool { return false }

// SetSource sets where the session's messages come from and wakes the session.
func (s *Session) SetSource(src Source) {}

// Wake tells the session that its source has something.
func (s *Session) Wake() {}

// Send queues a copy of data as one message. It is for replies and for servers without a Source; the queue is
// bounded to 64 KiB. Errors: ErrText, ErrClosed, ErrOverflow (which closes the session).
func (s *Session) Send(data []byte, binary bool) error { return nil }

// SendFrame queues a frame like Send: its text and attachments stay together.
func (s *Session) SendFrame(f *Frame) error { return nil }

// Close closes the session: what is queued is written first, for at most one second, then the client is told,
// then the transport is closed. The reason goes to Handler.Close.
func (s *Session) Close(reason string) {}
