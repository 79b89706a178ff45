//go:build linux

package main

import (
	"io"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	b := &bench{
		options: options{
			sizes: []int{1000, 5000}, rounds: 2, command: "go run ./server/bench -rounds 2",
		},
		progress: io.Discard,
		results:  make(results),
		peers: []peer{
			{transport: webSocket, name: roomcast}, {transport: webSocket, name: "bare epoll"},
			{transport: eventSource, name: roomcast},
		},
	}
	for _, n := range b.sizes {
		for i, p := range b.peers {
			for round := range b.rounds {
				f := none()
				f[perClient] = float64(8-3*i) + float64(round)
				f[burstRate] = float64(n * (i + 1))
				b.results.add(p.String(), n, f)
			}
		}
	}
	b.note("%s is left out: %s", "better-sse", "no npm")
	var out strings.Builder
	if err := b.report(&out); err != nil {
		t.Fatal(err)
	}
	got, machine, _ := strings.Cut(out.String(), "* better-sse is left out: no npm\n")
	const want = `WebSocket, ratio to Roomcast:

| N = 1,000 / 5,000 | bare epoll |
| --- | --- |
| resident KB per idle client (less is better) | 0.65 / 0.65 |
| CPU µs per handshake (less is better) | – / – |
| CPU µs per delivery, one at a time (less is better) | – / – |
| CPU µs per delivery, steady (less is better) | – / – |
| CPU µs per delivery, in bursts of 20 (less is better) | – / – |
| deliveries/s, steady, k (more is better) | – / – |
| deliveries/s in bursts of 20, k (more is better) | 2.0 / 2.0 |

WebSocket, medians of 2 rounds:

| N = 1,000 / 5,000 | Roomcast | bare epoll |
| --- | --- | --- |
| resident KB per idle client | 8.5 / 8.5 | 5.5 / 5.5 |
| CPU µs per handshake | – / – | – / – |
| CPU µs per delivery, one at a time | – / – | – / – |
| CPU µs per delivery, steady | – / – | – / – |
| CPU µs per delivery, in bursts of 20 | – / – | – / – |
| deliveries/s, steady, k | – / – | – / – |
| deliveries/s in bursts of 20, k | 1,000 / 5,000 | 2,000 / 10,000 |

EventSource, medians of 2 rounds:

| N = 1,000 / 5,000 | Roomcast |
| --- | --- |
| resident KB per idle client | 2.5 / 2.5 |
| CPU µs per handshake | – / – |
| CPU µs per delivery, one at a time | – / – |
| CPU µs per delivery, steady | – / – |
| CPU µs per delivery, in bursts of 20 | – / – |
| deliveries/s, steady, k | – / – |
| deliveries/s in bursts of 20, k | 3,000 / 15,000 |

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, part := range []string{
		" cores ", "linux ", ", go1.", "not pinned", "notifications of 200 bytes\n",
		"* `go run ./server/bench -rounds 2`\n",
	} {
		if !strings.Contains(machine, part) {
			t.Errorf("no %q in %q", part, machine)
		}
	}
}
