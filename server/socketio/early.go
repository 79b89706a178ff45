package socketio

import "github.com/roomcast/roomcast/notify"

// What a client may send before the server has accepted a CONNECT: the server holds no more for
// somebody that it does not know.
const (
	maxEarly  = maxAuth + 512 // bytes in all; a CONNECT of the maximum size fits
	earlyCost = 32            // of each message or part of one, in addition to its bytes
)

// Hold reports whether the session may hold n more bytes of the client. Over maxEarly it first waits
// for the answers to the CONNECTs that the server has: a page connects all its namespaces at once.
func (c *client) Hold(n int) bool {
	if c.trusted.Load() {
		return true
	}
	if c.early += n + earlyCost; c.early <= maxEarly {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waitWhile(func() bool { return c.working && !c.trusted.Load() })
	return c.trusted.Load()
}

// Exceeded ends a client that has sent too much before a CONNECT was accepted. If it is a CONNECT,
// the client learns why.
func (c *client) Exceeded(head []byte) {
	if c.srv.opts.Parser == ParserDefault && len(head) > 0 && head[0] == kindConnect {
		p := &packet{kind: kindConnect, namespace: notify.RootNamespace}
		if _, err := p.decodeHeader(head, c.srv.opts.MaxAttachments); err == nil {
			c.refuse(p.namespace, errLargeAuth)
		}
	}
	c.end("too much input before CONNECT")
}
