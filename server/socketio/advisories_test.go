package socketio

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// Published advisories about Socket.IO, Engine.IO and WebSocket servers. None of the inputs ends the
// process, or stays unanswered: the server refuses the request or closes the connection.
func TestAdvisories(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	upgrade := fmt.Sprintf(upgradeRequest, "")
	connected := upgrade + frame(0x81, `40{"userId":"u1"}`)
	get := func(query, headers string) string {
		return "GET /socket.io/?" + query + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n"
	}
	packet := func(text string) string { return frame(0x81, "4"+text) }
	for name, c := range map[string]struct{ in, want string }{
		"CVE-2020-27813, a length of 2^63-1": {
			connected + "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00", "\x88\x02\x03\xF1",
		},
		"CVE-2020-36049, an endless number of attachments": {
			connected + packet(strings.Repeat("5", 500_000)+"-[]"), "",
		},
		"CVE-2026-33151, many attachments": {connected + packet(`51000-["x",{"_placeholder":true,"num":999}]`), ""},
		"CVE-2022-2421, an attachment by the name of a method": {
			connected + packet(`51-["x",{"_placeholder":true,"num":"splice"}]`) + frame(0x82, "x"), "",
		},
		"CVE-2023-32695, an object as event name": {connected + packet(`2[{"toString":"foo"}]`), ""},
		"CVE-2022-21676, reserved bits right after the handshake": {
			upgrade + "\xF1\x80\x00\x00\x00\x00", "\x88\x02\x03\xEA",
		},
		"CVE-2022-41940, the end in the middle of an upgrade": {upgrade + "\x81\xFE", ""},
		"CVE-2023-31125, webtransport over HTTP":              {get("EIO=4&transport=webtransport", ""), " 400 "},
		"CVE-2023-31125, the name of a property":              {get("EIO=4&transport=__proto__&sid=constructor", ""), " 400 "},
		"CVE-2024-37890, more headers than allowed": {
			get("EIO=4&transport=polling", strings.Repeat("x: y\r\n", 4000)), " 431 ",
		},
		"CVE-2021-32640, spaces in the subprotocol": {
			get("EIO=4&transport=websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+
				"Sec-WebSocket-Protocol: a"+strings.Repeat(" ", 10_000)+"b\r\n"), " 400 ",
		},
		"CVE-2026-48779, a message of tiny fragments": {
			connected + frame(0x01, "4") + strings.Repeat(frame(0, ""), 5000), "\x88\x02\x03\xF1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if head, frames, upgraded := strings.Cut(c.in, upgrade); upgraded && head == "" {
				conn := openRaw(t, s.Base, []string{upgrade})
				got = send(t, conn, frames)
			} else {
				got = servertest.Raw(t, s.Base, c.in)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %.300q, want %q", got, c.want)
			}
		})
	}
	t.Run("CVE-2024-38355, an event that Node throws", func(t *testing.T) {
		t.Parallel()
		ws, _ := s.Connect(`{"userId":"u1"}`)
		ws.Send(`42["error",{}]`)
		ws.Sync()
	})
	t.Run("CVE-2020-36048, a payload that takes quadratic time", func(t *testing.T) {
		t.Parallel()
		p := s.Poll()
		p.Post(`40{"userId":"u1"}`)
		res, _ := servertest.Do(t, "POST", p.URL, strings.Repeat("2:4¼", 160_000))
		if res.StatusCode != 400 {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	t.Cleanup(func() {
		if n := s.sio.Panics(); n != 0 {
			t.Errorf("%d panics", n)
		}
		s.Alive()
	})
}
