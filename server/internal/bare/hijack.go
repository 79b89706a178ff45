//go:build linux

package bare

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// hijack takes EventSource connections over from net/http. It has no goroutine for a client: one
// that left shows when the next write fails.
type hijack struct {
	mu      sync.Mutex // also orders the writes of publishers
	clients []net.Conn
}

func newHijack() *hijack { return &hijack{} }

// streamHead begins a stream, with a comment as the first chunk.
const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
	"Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"3\r\n:\n\n\r\n"

func (h *hijack) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusHTTPVersionNotSupported)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = conn.SetWriteDeadline(time.Now().Add(writeDeadline))
	if _, err := conn.Write([]byte(streamHead)); err != nil {
		_ = conn.Close()
		return
	}
	h.clients = append(h.clients, conn)
}

func (h *hijack) broadcast(text []byte, n int) {
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", len(text), text)
	h.mu.Lock()
	defer h.mu.Unlock()
	for range n {
		deadline := time.Now().Add(writeDeadline)
		kept := h.clients[:0]
		for _, conn := range h.clients {
			_ = conn.SetWriteDeadline(deadline)
			if _, err := conn.Write(chunk); err != nil {
				_ = conn.Close()
				continue
			}
			kept = append(kept, conn)
		}
		h.clients = kept
	}
}

func (h *hijack) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, conn := range h.clients {
		_ = conn.Close()
	}
	h.clients = nil
}
