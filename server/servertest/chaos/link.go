package chaos

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// chunk is the largest number of bytes that a link passes on at once.
const chunk = 8 << 10

// link is a connection of a client, joined with one to the server.
type link struct {
	proxy     *Proxy
	near, far *net.TCPConn
	number    int // in the order in which the proxy accepted them

	life *time.Timer // cuts the link; guarded by proxy.mu
	once sync.Once
	cut  chan struct{} // closed when the link ends
}

// run passes bytes on until both directions have ended.
func (l *link) run() {
	var back sync.WaitGroup
	back.Go(func() { l.pass(l.near, l.far) })
	l.pass(l.far, l.near)
	back.Wait()
	l.end(false)
}

// pass copies one direction. The end of it is passed on as it is: a FIN closes only this direction,
// an error resets the link.
func (l *link) pass(to, from *net.TCPConn) {
	buf := make([]byte, chunk)
	for {
		w, ok := l.await()
		if !ok {
			return
		}
		n, err := from.Read(buf[:w.piece()])
		if l.isCut() {
			return
		}
		// The weather can change during a Read, and bytes must not pass a link that stalls.
		if w, ok = l.await(); !ok || n > 0 && !l.sleep(w.pause(n)) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				l.end(true)
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			_ = to.CloseWrite()
			return
		default:
			l.end(true)
			return
		}
	}
}

// await waits while the network stalls. It reports false when the link has ended.
func (l *link) await() (weather, bool) {
	for {
		w := l.proxy.now()
		if !w.stalled {
			return w, !l.isCut()
		}
		select {
		case <-w.changed:
		case <-l.cut:
			return w, false
		}
	}
}

// piece is how many bytes to pass on at once: a tenth of a second of the rate.
func (w weather) piece() int {
	if w.rate == 0 {
		return chunk
	}
	return min(chunk, max(1, w.rate/10))
}

// pause is how long n bytes wait.
func (w weather) pause(n int) time.Duration {
	d := w.delay
	if w.rate > 0 {
		d += time.Duration(n) * time.Second / time.Duration(w.rate)
	}
	return d
}

// sleep reports false when the link has ended.
func (l *link) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.cut:
		return false
	}
}

func (l *link) isCut() bool {
	select {
	case <-l.cut:
		return true
	default:
		return false
	}
}

// end closes both connections, by RST or, as far as no bytes wait in them, by FIN.
func (l *link) end(abrupt bool) {
	l.once.Do(func() {
		close(l.cut)
		for _, c := range []*net.TCPConn{l.near, l.far} {
			if abrupt {
				reset(c)
			} else {
				_ = c.Close()
			}
		}
	})
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
