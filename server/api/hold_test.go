package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// quietBus is that of a node which asks no others.
type quietBus struct{ Bus }

func (quietBus) Handle(string, func(string, []byte) []byte) {}
func (quietBus) Self() cluster.Node                         { return cluster.Node{} }

// slowAsker asks clients that answer when the test says so.
type slowAsker struct {
	asked  chan struct{}
	answer chan error
}

func (a slowAsker) AskAll(context.Context, notify.Emission) (Acks, error) {
	a.asked <- struct{}{}
	return Acks{Acks: []Ack{}, Missing: []string{}}, <-a.answer
}

// claimCounter counts the calls of Claim.
type claimCounter struct {
	kv.Store
	claims atomic.Int32
}

func (c *claimCounter) Claim(ctx context.Context, key string, value []byte, ttl time.Duration) (
	[]byte, bool, error,
) {
	c.claims.Add(1)
	return c.Store.Claim(ctx, key, value, ttl)
}

// A request that stores nothing is carried out by one of two nodes that get it at the same time, also
// when the clients have to answer it. When it fails, the other one may carry it out.
func TestNodesCarryOutARequestOnce(t *testing.T) {
	t.Parallel()
	hub, answers := servertest.NewHub(t), &claimCounter{Store: kv.NewMemory(AnswerLimits, nil)}
	asker := slowAsker{make(chan struct{}, 2), make(chan error)}
	var nodes [2]string
	for i := range nodes {
		o := testOptions(hub)
		o.Keyring = NewKeyring([]string{servertest.Key}, 0, 0, func(string) kv.Store { return answers })
		o.Asker, o.Bus = asker, quietBus{}
		nodes[i] = "http://" + servertest.Serve(t, edge.WithInfo(nil, New(o)))
	}
	const body, key = `{"room":"r","event":"e","volatile":true}`, "Idempotency-Key: k"
	status := make(chan int, 1)
	ask := func(result error) {
		go func() {
			code, _, _ := post(t, nodes[0]+"/v1/emit?wait=ack", body, key)
			status <- code
		}()
		servertest.Receive(t, asker.asked)
		code, text, header := post(t, nodes[1]+"/v1/emit?wait=ack", body, key)
		if code != 503 || header.Get("Retry-After") != "1" || !strings.Contains(text, "another node carries") {
			t.Errorf("meanwhile: %d %v %s", code, header, text)
		}
		asker.answer <- result
	}
	ask(errors.New("x"))
	if code := servertest.Receive(t, status); code != 500 {
		t.Errorf("failed: %d", code)
	}
	ask(nil)
	if code := servertest.Receive(t, status); code != 200 {
		t.Errorf("status %d", code)
	}
	code, text, header := post(t, nodes[1]+"/v1/emit?wait=ack", body, key)
	if code != 200 || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after it: %d %v %s", code, header, text)
	}

	for _, tt := range []struct {
		path, body string
		claims     int32
	}{
		{"/v1/emit", body, 1},
		{"/v1/emit", `{"room":"r","event":"e"}`, 0},
		{"/v1/notifications", `[{"target":{"all":true},"type":"x","volatile":true}]`, 1},
		{"/v1/notifications", `[{"target":{"all":true},"type":"x","volatile":true},{"target":{"all":true},"type":"x"}]`, 0},
	} {
		before := hub.Stats().Published
		answers.claims.Store(0)
		for range 2 {
			for _, node := range nodes {
				code, text, _ := post(t, node+tt.path, tt.body, fmt.Sprint("Idempotency-Key: ", before))
				if code != 200 {
					t.Errorf("%s: %d %s", tt.body, code, text)
				}
			}
		}
		if n := hub.Stats().Published - before; n > 2 || n == 2 && tt.claims > 0 || answers.claims.Load() != tt.claims {
			t.Errorf("%s: published %d, claimed %d times", tt.body, n, answers.claims.Load())
		}
	}
}
