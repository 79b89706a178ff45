//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// R15: a node is killed. Its clients come back to another one, as the same clients in the same rooms,
// and have missed nothing. Then that node stops, and they move on to a third one.
func TestClientsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	each := 20
	if servertest.Soaking() {
		each = 1000
	}
	redis := redistest.Start(t, redistest.Options{})
	settings := nodeOf(redis)
	settings["API_KEYS"] = servertest.Key // of Stack.Publish
	first := startChild(t, 4096, settings)
	second, third := start(t, settings), start(t, settings)
	for _, p := range []*program{first.program, second, third} {
		p.waitReady()
	}
	type client struct {
		*servertest.WebSocket
		user, sid, pid, offset string
	}
	at := func(base string) *servertest.Stack {
		return &servertest.Stack{T: t, Base: strings.TrimPrefix(base, "http://")}
	}
	clients := make([]client, each)
	for i := range clients {
		c := client{WebSocket: at(first.base).Dial(""), user: fmt.Sprint("u", i)}
		c.sid, c.pid, c.offset, _ = c.JoinWithPid(servertest.UserJSON(c.user))
		c.Send(`42["join-room","orders"]`)
		c.Event("room-joined", nil)
		clients[i] = c
	}
	for _, c := range clients {
		servertest.Eventually(t, "the session has the room", func() bool {
			text, _ := redis.Do(t, "GET", "sio:session:"+c.pid).(string)
			return strings.Contains(decoded(t, text), "orders")
		})
	}
	move := func(to *program, event string) {
		t.Helper()
		at(to.base).Publish(`{"target":{"channel":"orders"},"type":"` + event + `"}`)
		for i := range clients {
			c := &clients[i]
			_ = c.Conn.Close()
			c.WebSocket = at(to.base).Dial("")
			sid, pid, _, connected := c.JoinWithPid(servertest.Resume(c.user, c.pid, c.offset))
			if sid != c.sid || pid != c.pid || !connected.Recovered {
				t.Fatalf("client %s is %s now: %+v", c.sid, sid, connected)
			}
			c.offset = c.Event(event, nil)
			c.Event("recovery", nil)
		}
	}
	first.kill(t)
	move(second, "missed")
	second.end()
	move(third, "again")
	third.end()
}
