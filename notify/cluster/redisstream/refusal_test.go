package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/presencetest"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A server that stores nothing lets the keys of nodes expire. The nodes still know each other, and what
// each has.
func TestNodesOutliveTheirKeys(t *testing.T) {
	t.Parallel()
	for code, commands := range map[string][2]string{
		"OOM":        {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"},
		"NOREPLICAS": {"CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"},
		"READONLY":   {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, redistest.Options{})
			var later atomic.Int64
			o := options(s.URL())
			o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
			one, two := join(t, dial(t, options(s.URL())), 1), join(t, dial(t, o), 2)
			three := join(t, dial(t, options(s.URL())), 3)
			p, q := one.Presence(), two.Presence()
			t.Cleanup(p.Close)
			t.Cleanup(q.Close)
			p.Set("u:a", 2, "Ada")
			presencetest.Await(t, q, "u:a", 2)
			if nodes, err := two.Nodes(t.Context()); err != nil || len(nodes) != 3 {
				t.Fatalf("%+v %v", nodes, err)
			}

			// What happens 15 s later, unless a node writes in this moment.
			for _, key := range []string{one.nodeKey(uid(1)), one.nodeKey(uid(2)), one.nodeKey(uid(3)),
				p.key(uid(1)), q.key(uid(2))} {
				s.Do(t, "PEXPIRE", key, "1")
			}
			s.Do(t, strings.Fields(commands[0])...)
			err := two.register(t.Context())
			if !isReadOnly(err) || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), code) {
				t.Errorf("the server stores something: %v", err)
			}
			two.doubt()
			for range 4 { // together 20 s
				later.Add(int64(presenceLife / 3))
				now := o.Now()
				servertest.Eventually(t, "a sign of life", func() bool {
					q.others.mu.RLock()
					defer q.others.mu.RUnlock()
					peer := q.others.peers[uid(1)]
					return peer == nil || peer.spoke.After(now)
				})
				two.doubt()
			}
			if n := q.Count("u:a"); n != 2 {
				t.Errorf("%d", n)
			}
			nodes, err := two.Nodes(t.Context())
			if err != nil || !slices.Equal(nodes, []cluster.Node{one.Self(), two.Self(), three.Self()}) {
				t.Errorf("%+v %v", nodes, err)
			}

			three.Close() // the list keeps it, and it does not listen any more
			servertest.Eventually(t, "the end of a node", func() bool {
				nodes, err := two.Nodes(t.Context())
				return err == nil && len(nodes) == 2
			})
			p.Close()
			presencetest.Await(t, q, "u:a", 0)
			s.Do(t, strings.Fields(commands[1])...)
			servertest.Eventually(t, "the list of the server", func() bool {
				return s.Do(t, "EXISTS", one.nodeKey(uid(2))) == int64(1)
			})
		})
	}
}

// A node whose server has lost the list of nodes does not take those that it finds for all.
func TestNodesOutliveTheList(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, two := join(t, c, 1), join(t, dial(t, options(s.URL())), 2)
	want := []cluster.Node{one.Self(), two.Self()}
	if nodes, err := one.Nodes(t.Context()); err != nil || !slices.Equal(nodes, want) {
		t.Fatalf("%+v %v", nodes, err)
	}
	for _, registers := range []bool{false, true} {
		s.Do(t, "FLUSHALL")
		if registers {
			if err := one.register(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if nodes, err := one.Nodes(t.Context()); err != nil || !slices.Equal(nodes, want) {
			t.Errorf("%+v %v", nodes, err)
		}
	}
}

// The reason of a refusal is in the error, wherever a server says it.
func TestFullServers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"OOM command not allowed when used memory > 'maxmemory'.":                          true,
		"MISCONF Redis is configured to save RDB snapshots, but":                           true,
		"NOREPLICAS Not enough good replicas to write. script: fea378, on @u":              true,
		"ERR Error running script (call to f_1): @user_script:4: -OOM command not allowed": true,
		"READONLY You can't write against a read only replica.":                            false,
		"WRONGTYPE Operation against a key":                                                false,
		"ERR OOMPH":                                                                        false,
	} {
		if got := isFull(fmt.Errorf("%w: %w", ErrUnavailable, replyError(text))); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if !isReadOnly(replyError("READONLY You can't write against a read only replica.")) {
		t.Error("a replica stores something")
	}
}
