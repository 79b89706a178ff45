package socketio

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/engineio"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// One address cannot take all places for clients that have sent no CONNECT, however many handshakes
// it sends at once, and others still connect.
func TestHandshakesOfOneAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Limits = limit.New(limit.Options{MaxConnections: 400}) // 40 waiting, 20 of one address
	})
	var accepted atomic.Int32
	var crowd sync.WaitGroup
	for range 100 {
		crowd.Go(func() {
			switch status, text := (thief{t, s.Base, ""}).request("127.0.0.2", "GET",
				"&transport=polling", ""); status {
			case http.StatusOK:
				accepted.Add(1)
			case http.StatusTooManyRequests:
			default:
				t.Errorf("a handshake got %d %s", status, text)
			}
		})
	}
	crowd.Wait()
	if n := accepted.Load(); n != 20 {
		t.Errorf("%d handshakes of one address were accepted, want 20", n)
	}
	if _, connected := s.Connect(`{"userId":"u1"}`); connected.UserID != "u1" {
		t.Errorf("another address: %+v", connected)
	}
	s.sio.engine.Range(func(session *engineio.Session) bool {
		session.Abort(ReasonForcedClose)
		return true
	})
}

// The same for websockets: a client without a place gets the status of the refusal, and none gets an
// open websocket that is closed before its OPEN packet.
func TestWebSocketHandshakesOfOneAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Limits = limit.New(limit.Options{MaxConnections: 400}) // 40 waiting, 20 of one address
	})
	dialer := websocket.Dialer{HandshakeTimeout: servertest.Patience, NetDialContext: (&net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)},
	}).DialContext}
	var opened atomic.Int32
	var crowd sync.WaitGroup
	for range 200 {
		crowd.Go(func() {
			conn, res, err := dialer.Dial("ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket", nil)
			if err != nil {
				if res == nil || res.StatusCode != http.StatusTooManyRequests ||
					res.Header.Get("Retry-After") == "" {
					t.Errorf("a handshake got %v, %v", res, err)
				}
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_ = conn.SetReadDeadline(time.Now().Add(servertest.Patience))
			if _, text, err := conn.ReadMessage(); err != nil || text[0] != '0' {
				t.Errorf("an open websocket got %q, %v", text, err)
			}
			opened.Add(1)
		})
	}
	crowd.Wait()
	if n := opened.Load(); n != 20 {
		t.Errorf("%d websockets of one address were opened, want 20", n)
	}
	s.sio.engine.Range(func(session *engineio.Session) bool {
		session.Abort(ReasonForcedClose)
		return true
	})
}

// Clients that never send a CONNECT take all places, from several addresses. A user needs a moment
// at most, and the one that has waited longest is closed for it.
func TestHandshakesGiveWay(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Limits = limit.New(limit.Options{MaxConnections: 160}) // 16 waiting, 16 of one address
		o.ConnectTimeout = servertest.Patience
	})
	for range 16 {
		if status, text := (thief{t, s.Base, ""}).request("127.0.0.2", "GET",
			"&transport=polling", ""); status != http.StatusOK {
			t.Fatalf("a handshake got %d %s", status, text)
		}
	}
	servertest.Eventually(t, "a user connects", func() bool {
		status, _ := (thief{t, s.Base, ""}).request("127.0.0.3", "GET", "&transport=polling", "")
		return status == http.StatusOK
	})
	if n := s.sio.engine.Len(); n != 16 {
		t.Errorf("%d sessions, want 16", n)
	}
	s.sio.engine.Range(func(session *engineio.Session) bool {
		session.Abort(ReasonForcedClose)
		return true
	})
}
