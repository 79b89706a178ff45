// Package presencetest tests implementations of notify.Presence against its contract.
package presencetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// Opener returns the Presences of the nodes of a new cluster, which are ready. It closes them in a
// cleanup of t.
type Opener func(t testing.TB, nodes int) []notify.Presence

// Test tests the contract with three nodes.
func Test(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, []notify.Presence){
		"a node counts the others":               counts,
		"a watcher gets what appears and goes":   watches,
		"many fields arrive":                     many,
		"one node leads":                         leads,
		"a node that resigns does not lead":      resigns,
		"all nodes agree in the end":             agrees,
		"names may be long, and of any language": names,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, 3))
		})
	}
}

// Await waits until a node counts n for a field.
func Await(t testing.TB, p notify.Presence, field string, n int) {
	t.Helper()
	servertest.Eventually(t, fmt.Sprintf("%d of %s", n, field), func() bool {
		return p.Count(field) == n
	})
}

func counts(t *testing.T, nodes []notify.Presence) {
	for i, p := range nodes {
		p.Set("u:a", i+1, "Ada")
	}
	for i, p := range nodes {
		Await(t, p, "u:a", 1+2+3-(i+1))
	}
	nodes[0].Set("u:a", 0, "")
	nodes[1].Set("u:a", 7, "")
	Await(t, nodes[0], "u:a", 10)
	Await(t, nodes[1], "u:a", 3)
	Await(t, nodes[2], "u:a", 7)
	if n := nodes[0].Count("u:b"); n != 0 {
		t.Errorf("%d of a field that nobody has set", n)
	}
}

// Seen notes what a watcher gets.
type Seen struct {
	mu  sync.Mutex
	all []string
}

// Add is the function for Watch.
func (s *Seen) Add(field, name string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known {
		name += " (known)"
	}
	s.all = append(s.all, field+" "+name)
}

// Text returns what the watcher has got, in order.
func (s *Seen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.all, ", ")
}

// Await waits until the watcher has got something.
func (s *Seen) Await(t testing.TB, want string) {
	t.Helper()
	servertest.Eventually(t, want, func() bool { return s.Text() == want })
}

func watches(t *testing.T, nodes []notify.Presence) {
	nodes[1].Set("u:before", 1, "B")
	nodes[1].Set("c:before", 1, "")
	Await(t, nodes[0], "u:before", 1)
	Await(t, nodes[0], "c:before", 1)
	var users, channels Seen
	nodes[0].Watch("u:", users.Add)
	users.Await(t, "u:before B (known)")
	nodes[0].Watch("c:", channels.Add)

	nodes[1].Set("u:a", 1, "Ada")
	users.Await(t, "u:before B (known), u:a Ada")
	nodes[2].Set("u:a", 2, "Ada")
	Await(t, nodes[0], "u:a", 3)
	nodes[1].Set("u:a", 0, "")
	Await(t, nodes[0], "u:a", 2)
	nodes[0].Set("u:a", 5, "Ada") // its own
	nodes[2].Set("u:a", 0, "")
	users.Await(t, "u:before B (known), u:a Ada, u:a Ada")
	nodes[1].Set("u:before", 0, "")
	users.Await(t, "u:before B (known), u:a Ada, u:a Ada, u:before B")
	nodes[2].Set("c:x", 1, "")
	channels.Await(t, "c:before  (known), c:x ")
}

func many(t *testing.T, nodes []notify.Presence) {
	const fields = 10_000
	for i := range fields {
		nodes[0].Set(fmt.Sprint("c:", i), i+1, "")
	}
	for _, p := range nodes[1:] {
		servertest.Eventually(t, "every field", func() bool {
			for i := range fields {
				if p.Count(fmt.Sprint("c:", i)) != i+1 {
					return false
				}
			}
			return true
		})
	}
}

func leads(t *testing.T, nodes []notify.Presence) {
	servertest.Eventually(t, "one that leads", func() bool {
		n := 0
		for _, p := range nodes {
			if p.Leads() {
				n++
			}
		}
		return n == 1
	})
}

func resigns(t *testing.T, nodes []notify.Presence) {
	leader := func() int {
		return slices.IndexFunc(nodes, func(p notify.Presence) bool { return p.Leads() })
	}
	leads(t, nodes)
	var mu sync.Mutex
	told := make([][]bool, len(nodes))
	for i, p := range nodes {
		p.WatchLead(func(leads bool, since time.Time) {
			mu.Lock()
			defer mu.Unlock()
			told[i] = append(told[i], leads)
			if ago := time.Since(since); len(told[i]) > 1 && leads && (ago < 0 || ago > servertest.Patience) {
				t.Errorf("node %d leads since %v", i, since)
			}
		})
	}
	for range nodes[1:] {
		before := leader()
		nodes[before].Resign(t.Context())
		if nodes[before].Leads() {
			t.Errorf("node %d still leads", before)
		}
		leads(t, nodes)
		if leader() == before {
			t.Error("the same node leads")
		}
	}
	last := leader()
	nodes[last].Resign(t.Context()) // there is no other
	mu.Lock()
	defer mu.Unlock()
	for i, got := range told {
		for k := range got[1:] {
			if got[k] == got[k+1] {
				t.Errorf("node %d was told %v", i, got)
			}
		}
		if got[len(got)-1] {
			t.Errorf("node %d was told that it leads", i)
		}
	}
}

func agrees(t *testing.T, nodes []notify.Presence) {
	fields := []string{"u:a", "u:b", "c:a", "t:sse"}
	rapid.Check(t, func(r *rapid.T) {
		own := make([]map[string]int, len(nodes))
		for i, p := range nodes { // as the run before has left them
			own[i] = map[string]int{}
			for _, field := range fields {
				p.Set(field, 0, "")
			}
		}
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			i := rapid.IntRange(0, len(nodes)-1).Draw(r, "node")
			field := rapid.SampledFrom(fields).Draw(r, "field")
			n := rapid.IntRange(0, 3).Draw(r, "n")
			own[i][field] = n
			nodes[i].Set(field, n, rapid.SampledFrom([]string{"", "Ada"}).Draw(r, "name"))
		}
		for i, p := range nodes {
			for _, field := range fields {
				want := 0
				for j := range nodes {
					if i != j {
						want += own[j][field]
					}
				}
				Await(t, p, field, want)
			}
		}
	})
}

func names(t *testing.T, nodes []notify.Presence) {
	var seen Seen
	nodes[1].Watch("u:", seen.Add)
	for _, name := range []string{"Ä 0 日本", strings.Repeat("ä", 5000), "\xff", " ", "1 2"} {
		nodes[0].Set("u:x", 1, name)
		Await(t, nodes[1], "u:x", 1)
		nodes[0].Set("u:x", 0, "")
		Await(t, nodes[1], "u:x", 0)
	}
	fields := []string{"u:" + strings.Repeat("i", 128), "u:日本 1", "c:" + strings.Repeat("c", 200),
		"c::"}
	for i, field := range fields {
		nodes[0].Set(field, i+1, "")
	}
	for i, field := range slices.Backward(fields) {
		Await(t, nodes[2], field, i+1)
	}
}
