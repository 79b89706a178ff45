package redisstream

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// noClients is the peers.Local of a node without Socket.IO clients.
type noClients struct{}

func (noClients) Sockets(string, nodewire.Opts) []nodewire.Socket { return nil }
func (noClients) Change(*nodewire.Entry) func()                   { return func() {} }

func (noClients) Ask(_ context.Context, _ *nodewire.Entry, counted func(int),
	_ func(nodewire.Value), done func(),
) {
	counted(0)
	done()
}

func (noClients) ServerEvent(context.Context, *nodewire.Entry, func(nodewire.Value)) {}

// relayNode is a node with a Hub that relays volatile messages, and one member in channel c.
type relayNode struct {
	hub      *notify.Hub
	channels *Channels
	peers    *peers.Peers
	member   *notify.Member
	seen     []string
}

func newRelayNode(t testing.TB, s *redistest.Server, n int) *relayNode {
	t.Helper()
	c := dial(t, options(s.URL()))
	log := openLog(t, c, nil)
	r := &relayNode{channels: OpenChannels(c)}
	t.Cleanup(r.channels.Close)
	o := peers.DefaultOptions()
	o.UID = uid(n)
	r.peers = peers.New(r.channels, s.Stream(t), o)
	t.Cleanup(r.peers.Close)
	ho := notify.DefaultOptions()
	ho.Relay = r.peers.Relay()
	r.hub = notify.New(log, ho)
	t.Cleanup(r.hub.Close)
	servertest.Receive(t, log.Ready())
	r.peers.Serve(noClients{})
	r.member = servertest.Attach(t, r.hub, fmt.Sprint("client-", n), "u", "c")
	r.settle(t)
	return r
}

func (r *relayNode) settle(t testing.TB) {
	t.Helper()
	servertest.Eventually(t, "subscribed", func() bool { return r.channels.Wait(t.Context(), "socket.io#/#") == nil })
}

// types returns the types of all messages that the member has got so far.
func (r *relayNode) types() []string {
	buf := make([]notify.Delivery, 16)
	for {
		n, _ := r.member.Pull(buf)
		if n == 0 {
			return r.seen
		}
		for _, d := range buf[:n] {
			if d.Message != nil {
				r.seen = append(r.seen, d.Message.Type)
			}
		}
	}
}

// await waits until the member has got a message of a type, and returns how often it has.
func (r *relayNode) await(t testing.TB, name string) (times int) {
	t.Helper()
	servertest.Eventually(t, "message "+name, func() bool { return slices.Contains(r.types(), name) })
	for _, seen := range r.seen {
		if seen == name {
			times++
		}
	}
	return times
}

func (r *relayNode) publish(t testing.TB, name string) notify.Receipt {
	t.Helper()
	receipt, err := r.hub.Publish(t.Context(), notify.Notification{Type: name,
		Data: json.RawMessage(`{"x":1}`)}, notify.ToChannel("c"), notify.Volatile())
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// Members of all nodes get a volatile message once, none stores it, and what is published are the
// bytes that adapter 0.3 of Node reads.
func TestVolatileOfTwoNodes(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	a, b := newRelayNode(t, s, 1), newRelayNode(t, s, 2)
	other := open(t, dial(t, options(s.URL())), "socket.io#/#")
	settled(t, other)
	if n, err := subscribersOf(t, other, "socket.io#/#"); n != 3 || err != nil {
		t.Errorf("%d subscribers, %v, want one of each node", n, err)
	}
	length := s.Do(t, "XLEN", "socket.io")
	head := a.hub.Head()
	if receipt := a.publish(t, "typing"); receipt.Delivered != 1 || receipt.Stored || receipt.ID != "" {
		t.Errorf("receipt %+v", receipt)
	}
	b.publish(t, "last")
	for _, n := range []*relayNode{a, b} {
		if times := n.await(t, "typing") + n.await(t, "last"); times != 2 {
			t.Errorf("%d messages, want 2: %q", times, n.seen)
		}
	}
	if now := s.Do(t, "XLEN", "socket.io"); now != length || a.hub.Head() != head ||
		b.hub.Stats().History != 0 {
		t.Errorf("the stream has %v entries, %v before", now, length)
	}

	texts := []string{servertest.Receive(t, other.arrived), servertest.Receive(t, other.arrived)}
	if strings.Contains(texts[0], "last") { // the nodes have no common order
		slices.Reverse(texts)
	}
	payload, ok := strings.CutPrefix(texts[0], "socket.io#/# ")
	if !ok {
		t.Fatalf("got %q", texts)
	}
	e, err := nodewire.DecodeMap([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	const head3 = "\x85\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x92\xa6typing"
	const opts = "\xa4opts\x83\xa5rooms\x91\xa1c\xa6except\x90\xa5flags\x81\xa8volatile\xc3"
	tail := "\xa3uid\xb0" + uid(1) + "\xa3nsp\xa1/\xa2rc"
	if !strings.HasPrefix(payload, head3) || !strings.Contains(payload, opts+tail) || e.UID != uid(1) {
		t.Errorf("published %q", payload)
	}
}

// A volatile message of a Node server, by either way, reaches members without an id of its own.
func TestVolatileOfNode(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	a := newRelayNode(t, s, 1)
	node := &nodewire.Entry{Type: nodewire.TypeBroadcast, UID: "329960bb08fd9f07", Namespace: "/",
		Opts:   nodewire.Opts{Volatile: true},
		Packet: nodewire.Value{JSON: json.RawMessage(`["vol",1]`)}}
	f, err := node.Fields()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"packet":{"type":2,"data":["vol",1]},"opts":{"rooms":[],"except":[],"flags":{"volatile":true}}}`; f.Data != want {
		t.Fatalf("data %s, want what is recorded", f.Data)
	}
	s.Do(t, append([]string{"XADD", "socket.io", "*"}, f.Pairs()...)...)
	if times := a.await(t, "vol"); times != 1 {
		t.Errorf("%d times from the stream", times)
	}
	node.Packet.JSON = json.RawMessage(`["published",1]`)
	payload, err := node.AppendMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, "PUBLISH", "socket.io#/#", string(payload))
	if times := a.await(t, "published"); times != 1 || a.hub.Stats().History != 0 {
		t.Errorf("%d times from the channel, %d stored", times, a.hub.Stats().History)
	}
}

// A Redis that does not answer, or is away, does not delay members of this node. What the others do
// not get is counted, and when it is back they get the next ones.
func TestVolatileWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	a, b := newRelayNode(t, s, 1), newRelayNode(t, s, 2)
	s.Pause(t)
	for i := range 500 {
		name := fmt.Sprint("stalled-", i)
		a.publish(t, name)
		if types := a.types(); !slices.Contains(types, name) { // before Redis goes on
			t.Fatalf("got %q", types)
		}
	}
	s.Continue(t)
	s.Kill()
	const away = 100
	for i := range away {
		a.publish(t, fmt.Sprint("away-", i))
		a.types()
	}
	if got := len(a.types()); got != 500+away {
		t.Errorf("%d of %d were delivered here", got, 500+away)
	}
	servertest.Eventually(t, "the lost ones are counted", func() bool {
		return a.peers.VolatileDropped() >= away
	})
	s.Restart(t)
	b.settle(t)
	servertest.Eventually(t, "messages arrive again", func() bool {
		a.publish(t, "again")
		a.types()
		return slices.Contains(b.types(), "again")
	})
}
