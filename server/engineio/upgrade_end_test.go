package engineio

import (
	"strings"
	"testing"
	"time"
)

func TestUpgradeEndsWithItsSession(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	ws := f.probe(query)
	f.expect(f.post(query, "1"), 200, "ok")
	p.expectClosed(t, ReasonTransportClose)
	if _, _, err := ws.read(); err == nil || isTimeout(err) {
		t.Errorf("the candidate is still open: %v", err)
	}
}

func TestUpgradeNeedsAGET(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	a := f.do("POST", strings.Replace(query, Polling, WebSocket, 1), strings.NewReader("4x"),
		"Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	f.expect(a, 400, `{"code":3,"message":"Bad request"}`)
	if p.ReadyState() != "open" {
		t.Errorf("session %s", p.ReadyState())
	}
}

func TestPollingContinuesAfterFailedUpgrade(t *testing.T) {
	f := serve(t, Options{UpgradeTimeout: 500 * time.Millisecond})
	f.echo = true
	steps := map[string]func(*socket){
		"nothing":                  func(*socket) {},
		"no upgrade after probe":   func(ws *socket) { ws.send("2probe") },
		"a message for a probe":    func(ws *socket) { ws.send("4hello") },
		"another probe":            func(ws *socket) { ws.send("2other") },
		"a message for an upgrade": func(ws *socket) { ws.send("2probe"); ws.send("4hello") },
		"a second probe":           func(ws *socket) { ws.send("2probe"); ws.send("2probe") },
		"the connection is cut": func(ws *socket) {
			ws.send("2probe")
			ws.expect("3probe")
			ws.NetConn().Close()
		},
		"a protocol violation": func(ws *socket) {
			_, _ = ws.NetConn().Write([]byte{0x81, 1, '2'})
		},
		"a close frame for a probe": func(ws *socket) {
			_ = ws.WriteControl(8, nil, time.Now().Add(patience))
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			f := f.with(t)
			query, p := f.open()
			ws := f.dial(query[len("&transport=polling"):])
			step(ws)
			for err := error(nil); err == nil; { // until the server closes it
				_, _, err = ws.read()
			}
			eventually(t, "the upgrade is given up", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.candidate == nil && !p.probed
			})
			f.expect(f.post(query, "4hello"), 200, "ok")
			f.expect(f.get(query), 200, "4hello")
			again := f.probe(query) // a client may try again
			again.send("5")
			again.send("4hello")
			again.expect("4hello")
		})
	}
}
