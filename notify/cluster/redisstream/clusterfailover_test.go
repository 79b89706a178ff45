package redisstream

import (
	"errors"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// After a failover of a Redis Cluster in which the former primary lives, as its replica, no node is
// taken for one that has ended, and subscribers are counted wherever they are.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	primary := redistest.StartCluster(t, 1)[0]
	replica := redistest.StartClusterReplica(t, primary)
	one, two := dial(t, options(primary.URL()+"?cluster=true")), dial(t, options(primary.URL()+"?cluster=true"))
	a, b := join(t, one, 1), join(t, two, 2)
	b.Peers().Handle("echo", func(question []byte) []byte { return question })
	const name = "socket.io#/#"
	h := open(t, two, name)
	settled(t, h)
	// Of a program that stays connected with the former primary.
	late, _ := newClient(t, options(primary.URL()))
	stays := open(t, late, name)
	settled(t, stays)
	replica.TakeOver(t, primary)
	_, err := a.Peers().Ask(t.Context(), uid(2), "echo", []byte("x"))
	if errors.Is(err, notify.ErrNoPeer) {
		t.Errorf("right after the failover: %v", err)
	}
	for _, c := range []*Client{one, two} { // it finds the new primary, as each write does
		if err := c.set(t.Context(), "x"); err != nil {
			t.Error(err)
		}
	}
	servertest.Eventually(t, "the subscriptions are at the new primary", func() bool {
		reply, _ := replica.Do(t, "PUBSUB", "NUMSUB", name, one.channel(busChannel)).([]any)
		return len(reply) == 4 && reply[1] == int64(1) && reply[3] == int64(2)
	})
	servertest.Eventually(t, "both subscribers are counted", func() bool { // the new primary knows its replica
		n, err := subscribersOf(t, h, name)
		return n == 2 && err == nil
	})
	servertest.Eventually(t, "an answer", func() bool {
		answer, err := a.Peers().Ask(t.Context(), uid(2), "echo", []byte("x"))
		if errors.Is(err, notify.ErrNoPeer) {
			t.Errorf("after the failover: %v", err)
		}
		return string(answer) == "x"
	})
	publishTo(t, h, name, "x")
	for _, of := range []heardChannels{h, stays} {
		if text := servertest.Receive(t, of.arrived); text != name+" x" {
			t.Errorf("got %q", text)
		}
	}
	if _, err := a.Peers().Ask(t.Context(), uid(3), "echo", nil); !errors.Is(err, notify.ErrNoPeer) {
		t.Errorf("of a node that never was: %v", err)
	}
}
