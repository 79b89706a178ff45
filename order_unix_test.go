//go:build unix

package main

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// sequence is what a client received, in order.
type sequence struct {
	*oracle.Reader
	name string
	mu   sync.Mutex
	seen []string
}

// See implements client.Record.
func (s *sequence) See(key, id string) {
	s.mu.Lock()
	s.seen = append(s.seen, key+" "+id)
	s.mu.Unlock()
	s.Reader.See(key, id) // after which the test may read
}

// R11: twelve backends publish to three nodes at once, and the clients of all nodes and transports
// receive one and the same sequence.
func TestOneSequenceOnAllNodes(t *testing.T) {
	t.Parallel()
	const backends = 4 // of each node
	each := 20
	if servertest.Soaking() {
		each = 5000
	}
	f := startFleet(t, redistest.Start(t, redistest.Options{}), 3, map[string]string{
		"HISTORY_SIZE": "100000", "HISTORY_MAX_BYTES": "256MiB", // also for a client of a slow machine
	})
	book := oracle.NewBook()
	crowd := &crowd{Book: book, t: t}
	var all []*sequence
	var bases []string
	for _, p := range f.nodes {
		bases = append(bases, p.address())
	}
	for _, base := range append(bases, f.balancer.Addr) {
		for _, transport := range client.AllTransports {
			name := fmt.Sprintf("%s at %s", transport, base)
			s := &sequence{Reader: book.Reader(name, crowdChannel), name: name}
			all = append(all, s)
			crowd.clients = append(crowd.clients, client.Start(t, client.Options{Base: base,
				Transport: transport, User: fmt.Sprint("u", len(all)), Channels: []string{crowdChannel},
			}, s))
		}
	}
	crowd.awaitConnects(1)
	var publishing sync.WaitGroup
	for i, base := range bases {
		for j := range backends {
			p := client.NewPublisher(t, client.PublisherOptions{Base: base, Key: testKey,
				Name: fmt.Sprintf("n%d-b%d", i, j), Channel: crowdChannel}, book)
			publishing.Go(func() {
				for range each {
					p.Publish()
				}
			})
		}
	}
	publishing.Wait()
	crowd.verify()
	for _, s := range all {
		if !slices.Equal(s.seen, all[0].seen) || len(s.seen) != len(bases)*backends*each {
			t.Errorf("%s received %d notifications in another order than %s, of %d", s.name,
				len(s.seen), all[0].name, len(all[0].seen))
		}
	}
}
