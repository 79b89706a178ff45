//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A client whose former connection, to another node, has ended unnoticed takes its place. Without its
// session it comes again until the cluster forgets the connection: no answer makes it give up.
func TestLimitOfAClusterLetsClientsMove(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(hook.Close)
	settings := nodeOf(redis)
	settings["MAX_CONNECTIONS_PER_USER"] = "1"
	settings["EVENTS_URL"], settings["HOOK_ALLOW_PRIVATE"] = "/n="+hook.URL, "true"
	settings["HOOK_SECRET"] = strings.Repeat("s", 32)
	first, second := startChild(t, 4096, settings), start(t, settings)
	first.waitReady()
	second.waitReady()
	stack := func(p *program) *servertest.Stack {
		return &servertest.Stack{T: t, Base: strings.TrimPrefix(p.base, "http://")}
	}
	at, from := stack(second), stack(first.program)
	// known waits until the second node counts a user of the first one, or does not.
	known := func(user string, n int) {
		t.Helper()
		servertest.Eventually(t, "the other node counts the user", func() bool {
			_, text := servertest.Do(t, "POST", second.base+"/v1/notifications",
				`{"target":{"user":"`+user+`"},"type":"t"}`, "X-API-Key: "+testKey,
				"Content-Type: application/json")
			return strings.Contains(text, fmt.Sprintf(`"delivered":%d,`, n))
		})
	}
	comesAgain := func(connect string) {
		t.Helper()
		c := at.Dial("")
		c.Send(connect)
		if before := c.Closed(); len(before) != 0 {
			t.Errorf("%s: the client got %q before the end", connect, before)
		}
	}

	c := from.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	known("u1", 1)
	comesAgain(`40{"userId":"u1"}`)
	c = at.Dial("") // the network changed, and the first node has not noticed yet
	again, _, _, connected := c.JoinWithPid(servertest.Resume("u1", pid, offset))
	if again != sid || !connected.Recovered {
		t.Errorf("client %s is %s now: %+v", sid, again, connected)
	}

	other := from.Dial("")
	other.Send(`40/n,{"userId":"u3"}`)
	if answer := other.Read(); !strings.HasPrefix(answer, `40/n,{"sid"`) {
		t.Fatalf("answer %s", answer)
	}
	servertest.Eventually(t, "the clients of other namespaces count", func() bool {
		c := at.Dial("")
		defer c.Conn.Close()
		c.Send(`40/n,{"userId":"u3"}`)
		_, err := c.Next()
		return err != nil
	})

	moved := from.Dial("")
	sid, pid, offset, _ = moved.JoinWithPid(`{"userId":"u2"}`)
	known("u2", 1)
	servertest.Eventually(t, "the session is stored", func() bool {
		return redis.Do(t, "EXISTS", "sio:session:"+pid) == int64(1)
	})
	first.kill(t)
	comesAgain(`40{"userId":"u2"}`)
	again, _, _, connected = at.Dial("").JoinWithPid(servertest.Resume("u2", pid, offset))
	if again != sid || !connected.Recovered {
		t.Errorf("client %s is %s now: %+v", sid, again, connected)
	}
	second.end()
}
