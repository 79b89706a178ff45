package socketio

import (
	"fmt"
	"testing"

	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// Clients of a cluster that choose namespaces cannot take more than the server subscribes, and calls in
// other namespaces go on while it does.
func TestTooManyNamespacesOfServer(t *testing.T) {
	t.Parallel()
	n := newNode(t, redistest.Start(t, redistest.Options{}))
	n.sio.Mount(&testApp{name: "any", calls: &calls{}}, nil)
	together(t, "/", n)
	c := n.Dial("")
	c.Send(`40/own,{"userId":"u1"}`)
	expectPackets(t, c, `40/own,{"sid":`)
	for i := 0; n.peers.Admits(fmt.Sprint("/", i)); i++ {
		n.peers.Enter(fmt.Sprint("/", i))
	}
	together(t, "/", n)
	c.Send(`40/more,{"userId":"u1"}`)
	expectPackets(t, c, `44/more,{"message":"Forbidden","data":{"code":"room_limit"}}`)
	n.peers.Leave("/0")
	c.Send(`40/more,{"userId":"u1"}`)
	expectPackets(t, c, `40/more,{"sid":`)
	together(t, "/more", n)
}
