package socketio

import (
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// Many short visits from one address evict no session of a client at another address, on either
// transport and whatever users they name.
func TestVisitsOfOneAddressEvictNoOther(t *testing.T) {
	t.Parallel()
	local := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	if probe, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}); err != nil {
		t.Skipf("this machine has one loopback address: %v", err)
	} else {
		probe.Close()
	}
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(h *notify.Options) { h.MaxSessions = 20 })
	})
	victim := s.Dial("")
	_, pid, _, _ := victim.JoinWithPid(`{"userId":"victim"}`)
	victim.Conn.Close()
	streams := &http.Client{Transport: &http.Transport{DialContext: local.DialContext}}
	defer streams.CloseIdleConnections()
	sockets := websocket.Dialer{NetDialContext: local.DialContext}
	for i := range 40 {
		visitor, _, err := sockets.Dial("ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		connect := fmt.Sprintf(`40{"userId":"v%d"}`, i)
		if err := visitor.WriteMessage(websocket.TextMessage, []byte(connect)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // OPEN, and the answer to CONNECT
			if _, _, err := visitor.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
		visitor.Close()
		res, err := streams.Get(fmt.Sprintf("http://%s/sse?userId=w%d&sessionId=tab%[2]d", s.Base, i))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	servertest.Eventually(t, "the visitors leave", func() bool { return s.Hub.Total() == 0 })
	if _, known := s.Hub.Session(notify.PIDKey(pid)); !known {
		t.Error("the victim's session is gone")
	}
}
