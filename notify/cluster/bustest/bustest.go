// Package bustest tests implementations of cluster.Bus against its contract.
package bustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/servertest"
)

// Handle is the Bus of one node.
type Handle struct {
	cluster.Bus
	UID string
}

// Opener returns the nodes of a new cluster, which wait for answers as long as
// [servertest.Patience]. It closes them in a cleanup of t.
type Opener func(t testing.TB, nodes int) []Handle

// Test tests the contract with three nodes.
func Test(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, []Handle){
		"a message reaches every other node once":      tells,
		"every other node answers":                     asks,
		"answers belong to their questions":            mixes,
		"a node that does not answer is silent":        hangs,
		"a node that does not know a kind is silent":   ignores,
		"a message above the maximum is refused":       refuses,
		"bodies are any bytes, and answers may be nil": bodies,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, 3))
		})
	}
	t.Run("a node alone asks nobody", func(t *testing.T) {
		t.Parallel()
		answers, silent, err := open(t, 1)[0].Ask(t.Context(), "kind", nil)
		if len(answers) != 0 || len(silent) != 0 || err != nil {
			t.Errorf("%v %v %v", answers, silent, err)
		}
	})
}

func tells(t *testing.T, nodes []Handle) {
	const each = 50
	var mu sync.Mutex
	got := map[string]int{}
	total := 0
	for _, n := range nodes {
		n.Handle("kind", func(from string, body []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			got[fmt.Sprintf("%s from %s at %s", body, from, n.UID)]++
			total++
			return []byte("nobody gets it")
		})
	}
	for _, n := range nodes {
		for i := range each {
			if err := n.Tell(t.Context(), "kind", fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	servertest.Eventually(t, "all messages arrive", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return total >= each*len(nodes)*(len(nodes)-1)
	})
	mu.Lock()
	defer mu.Unlock()
	for _, from := range nodes {
		for _, at := range nodes {
			for i := range each {
				want := 1
				if from.UID == at.UID {
					want = 0
				}
				message := fmt.Sprintf("%d from %s at %s", i, from.UID, at.UID)
				if got[message] != want {
					t.Errorf("%s: %d times, want %d", message, got[message], want)
				}
			}
		}
	}
}

func asks(t *testing.T, nodes []Handle) {
	for _, n := range nodes {
		n.Handle("kind", func(from string, body []byte) []byte {
			return fmt.Appendf(nil, "%s to %s by %s", body, from, n.UID)
		})
	}
	for _, n := range nodes {
		answers, silent, err := n.Ask(t.Context(), "kind", []byte("b"))
		if err != nil || len(silent) != 0 || len(answers) != len(nodes)-1 {
			t.Errorf("%s: %q %v %v", n.UID, answers, silent, err)
		}
		for uid, answer := range answers {
			if want := fmt.Sprintf("b to %s by %s", n.UID, uid); string(answer) != want || uid == n.UID {
				t.Errorf("%q of %s", answer, uid)
			}
		}
	}
}

func mixes(t *testing.T, nodes []Handle) {
	for _, n := range nodes {
		n.Handle("one", func(_ string, body []byte) []byte { return append([]byte("1"), body...) })
		n.Handle("two", func(_ string, body []byte) []byte { return append([]byte("2"), body...) })
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			kind, body := []string{"one", "two"}[i%2], fmt.Sprint(i)
			answers, silent, err := nodes[i%3].Ask(t.Context(), kind, []byte(body))
			if err != nil || len(silent) != 0 || len(answers) != 2 {
				t.Errorf("%q %v %v", answers, silent, err)
			}
			for _, answer := range answers {
				if string(answer) != fmt.Sprint(i%2+1)+body {
					t.Errorf("the answer to %s %s is %q", kind, body, answer)
				}
			}
		})
	}
	wg.Wait()
}

func hangs(t *testing.T, nodes []Handle) {
	release := make(chan struct{})
	defer close(release)
	nodes[1].Handle("kind", func(string, []byte) []byte { return []byte("here") })
	nodes[2].Handle("kind", func(string, []byte) []byte { <-release; return nil })
	// A slow machine needs more time until the node that answers has done so.
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		answers, silent, err := nodes[0].Ask(ctx, "kind", nil)
		cancel()
		if err == nil && (len(answers)+len(silent) != 2 || !slices.Contains(silent, nodes[2].UID)) {
			t.Fatalf("%q, silent %v", answers, silent)
		}
		if string(answers[nodes[1].UID]) == "here" {
			return
		}
		if wait > servertest.Patience {
			t.Fatalf("%q, silent %v: %v", answers, silent, err)
		}
	}
}

func ignores(t *testing.T, nodes []Handle) {
	nodes[1].Handle("kind", func(string, []byte) []byte { return []byte("here") })
	begin := time.Now()
	answers, silent, err := nodes[0].Ask(t.Context(), "kind", nil)
	if err != nil || len(answers) != 1 || string(answers[nodes[1].UID]) != "here" ||
		!slices.Equal(silent, []string{nodes[2].UID}) {
		t.Errorf("%q, silent %v: %v", answers, silent, err)
	}
	if time.Since(begin) >= servertest.Patience {
		t.Error("the node asks longer than it has to")
	}
}

func refuses(t *testing.T, nodes []Handle) {
	for name, message := range map[string]struct {
		kind string
		body []byte
	}{
		"body": {"kind", make([]byte, cluster.MaxBody+1)},
		"kind": {strings.Repeat("k", cluster.MaxKind+1), nil},
	} {
		tell := nodes[0].Tell(t.Context(), message.kind, message.body)
		_, _, ask := nodes[0].Ask(t.Context(), message.kind, message.body)
		if !errors.Is(tell, cluster.ErrTooLarge) || !errors.Is(ask, cluster.ErrTooLarge) {
			t.Errorf("%s: %v, %v", name, tell, ask)
		}
	}
	nodes[1].Handle("kind", func(string, []byte) []byte { return make([]byte, cluster.MaxBody+1) })
	nodes[2].Handle("kind", func(string, []byte) []byte { return make([]byte, cluster.MaxBody) })
	answers, silent, err := nodes[0].Ask(t.Context(), "kind", make([]byte, cluster.MaxBody))
	if err != nil || len(answers) != 1 || len(answers[nodes[2].UID]) != cluster.MaxBody ||
		!slices.Equal(silent, []string{nodes[1].UID}) {
		t.Errorf("%d answers, silent %v: %v", len(answers), silent, err)
	}
}

func bodies(t *testing.T, nodes []Handle) {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	for _, n := range nodes[1:] {
		n.Handle("echo\x00\xff", func(_ string, body []byte) []byte { return bytes.Clone(body) })
	}
	for _, body := range [][]byte{nil, {}, {0}, every} {
		answers, silent, err := nodes[0].Ask(t.Context(), "echo\x00\xff", body)
		if err != nil || len(answers) != 2 || len(silent) != 0 {
			t.Errorf("%q: %q %v %v", body, answers, silent, err)
		}
		for _, answer := range answers {
			if !bytes.Equal(answer, body) {
				t.Errorf("%q came back as %q", body, answer)
			}
		}
	}
}
