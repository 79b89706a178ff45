package redisstream

import (
	"context"
	"errors"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/servertest"
)

// Ask reaches one node, and knows at once that one has ended.
func TestPeers(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := join(t, c, 1), join(t, dial(t, options(s.URL())), 2)
	two.Peers().Handle("double", func(question []byte) []byte { return append(question, question...) })
	one.Peers().Handle("double", func([]byte) []byte { t.Error("the wrong node"); return nil })
	if got, err := one.Peers().Ask(t.Context(), uid(2), "double", []byte("ab")); string(got) != "abab" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := one.Peers().Ask(t.Context(), uid(2), "unknown", nil); got != nil || err != nil {
		t.Errorf("of an unknown kind: got %q, %v", got, err)
	}
	if _, err := one.Peers().Ask(t.Context(), uid(3), "double", nil); !errors.Is(err, notify.ErrNoPeer) {
		t.Errorf("of a node that never was: %v", err)
	}
	two.Close()
	if _, err := one.Peers().Ask(t.Context(), uid(2), "double", nil); !errors.Is(err, notify.ErrNoPeer) {
		t.Errorf("of a node that has ended: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Peers().Ask(ctx, uid(3), "double", nil); err == nil || errors.Is(err, notify.ErrNoPeer) {
		t.Errorf("without time: %v", err)
	}
	one.Close()
	if _, err := one.Peers().Ask(t.Context(), uid(2), "double", nil); err == nil {
		t.Error("of a closed bus: no error")
	}
}

// A node that starts while Redis is away joins when it answers.
func TestJoinLater(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	s.Kill()
	late, err := c.JoinLater(cluster.Node{UID: uid(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(late.Close)
	late.Peers().Handle("echo", func(question []byte) []byte { return question })
	if _, err := late.Peers().Ask(t.Context(), uid(2), "echo", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without Redis: %v", err)
	}
	s.Restart(t)
	other := join(t, dial(t, options(s.URL())), 2)
	servertest.Eventually(t, "the node answers", func() bool {
		got, err := other.Peers().Ask(t.Context(), uid(1), "echo", []byte("x"))
		return err == nil && string(got) == "x"
	})
	servertest.Eventually(t, "the node is in the list", func() bool {
		nodes, err := other.Nodes(t.Context())
		return err == nil && len(nodes) == 2 && nodes[0].Tag != ""
	})
}

// Tell reaches all other nodes.
func TestPeersTell(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, heard := join(t, c, 1), make(chan string, 2)
	for n := 2; n <= 3; n++ {
		join(t, dial(t, options(s.URL())), n).Peers().Handle("news", func(message []byte) []byte {
			heard <- string(message)
			return nil
		})
	}
	if err := one.Peers().Tell(t.Context(), "news", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := servertest.Receive(t, heard); got != "x" {
			t.Errorf("heard %q", got)
		}
	}
}
