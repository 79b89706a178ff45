//go:build linux

package bare

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// gorilla is the usual Go server: a goroutine for each client reads, the publisher writes.
type gorilla struct {
	upgrader websocket.Upgrader
	readers  sync.WaitGroup

	mu      sync.Mutex // also orders the writes of publishers
	clients map[*websocket.Conn]struct{}
}

func newGorilla() *gorilla {
	return &gorilla{
		upgrader: websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: new(sync.Pool)},
		clients:  make(map[*websocket.Conn]struct{}),
	}
}

func (g *gorilla) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := g.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	g.mu.Lock()
	g.clients[conn] = struct{}{}
	err = g.write(conn, websocket.TextMessage, []byte(Welcome))
	g.mu.Unlock()
	if err != nil {
		g.remove(conn)
		return
	}
	// A goroutine of its own has none of the frames that net/http has on the stack.
	g.readers.Go(func() { g.read(conn) })
}

// read answers control frames until the connection ends.
func (g *gorilla) read(conn *websocket.Conn) {
	defer g.remove(conn)
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

func (g *gorilla) remove(conn *websocket.Conn) {
	g.mu.Lock()
	delete(g.clients, conn)
	g.mu.Unlock()
	_ = conn.Close()
}

func (g *gorilla) write(conn *websocket.Conn, kind int, text []byte) error {
	_ = conn.SetWriteDeadline(time.Now().Add(writeDeadline))
	return conn.WriteMessage(kind, text)
}

func (g *gorilla) broadcast(text []byte, n int) {
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil { // the type is known
		panic(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		deadline := time.Now().Add(writeDeadline)
		for conn := range g.clients {
			_ = conn.SetWriteDeadline(deadline)
			if err := conn.WritePreparedMessage(message); err != nil {
				_ = conn.Close() // its reader removes it
			}
		}
	}
}

func (g *gorilla) close() {
	g.mu.Lock()
	for conn := range g.clients {
		_ = conn.Close()
	}
	g.mu.Unlock()
	g.readers.Wait()
}
