package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// entries returns the data of the entries of a type in the stream.
func (n *nodes) entries(number string) (data []string) {
	for _, entry := range n.redis.Do(n.t, "XRANGE", "socket.io", "-", "+").([]any) {
		fields := entry.([]any)[1].([]any)
		at := map[string]string{}
		for i := 0; i+1 < len(fields); i += 2 {
			at[fmt.Sprint(fields[i])] = fmt.Sprint(fields[i+1])
		}
		if at["type"] == number {
			data = append(data, at["data"])
		}
	}
	return data
}

// counts checks the answer to a change of one connection, unless a node that answers was too slow.
func counts(t *testing.T, text string) {
	t.Helper()
	var got struct {
		Disconnected, Left int
		Incomplete         []string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	isSlow := len(got.Incomplete) > 1 || slices.Contains(got.Incomplete, "*")
	if got.Disconnected+got.Left != 1 && !isSlow {
		t.Error(text)
	}
}

// A node makes a change of a user once, although another one asks for it by two ways. So what happens
// while a third node does not answer stays: a new connection, and a channel that it is put into.
func TestChangesAreMadeOnce(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	n.call = true
	a, b := n.start(nil), n.start(nil)
	n.silent()
	old := b.Dial("")
	old.JoinWithPid(`{"userId":"u1"}`)
	request := func(s *serviceStack, method, path string) <-chan string {
		done := make(chan string, 1)
		go func() {
			_, text := servertest.Do(t, method, "http://"+s.Base+path, "", "Authorization: Bearer "+servertest.Key)
			done <- text
		}()
		return done
	}
	deleted := request(a, "DELETE", "/v1/users/u1/connections")
	old.Closed()
	if got := n.entries("6"); len(got) != 1 || !strings.Contains(got[0], `"rooms":["user:u1"]`) {
		t.Errorf("the other Socket.IO servers get %q", got)
	}
	c := b.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"userId":"u1"}`)
	counts(t, servertest.Receive(t, deleted))
	member := b.Hub.Member("/", sid)
	if member == nil {
		t.Fatal("the new connection is gone")
	}
	put := func() { servertest.Receive(t, request(b, "PUT", "/v1/connections/"+sid+"/channels/orders")) }
	put()
	left := request(a, "DELETE", "/v1/users/u1/channels/orders")
	servertest.Eventually(t, "it has left", func() bool { return !member.In("orders") })
	put()
	counts(t, servertest.Receive(t, left))
	a.Publish(`{"target":{"channel":"orders"},"type":"after"}`) // comes after the entries of the changes
	c.Event("after", nil)
	n.saved(pid, "orders")
	c.Conn.Close()
	b.Gone(sid)
	back := b.Dial("")
	if got, _, _, connected := back.JoinWithPid(servertest.Resume("u1", pid, offset)); got != sid || !connected.Recovered {
		t.Errorf("resumed as %s, %+v", got, connected)
	}
}
