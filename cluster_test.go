package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// nodeOf returns the settings of a node on a Redis server.
func nodeOf(redis *redistest.Server) map[string]string {
	return map[string]string{"REDIS_URL": redis.URL(), "API_KEYS": testKey, "DEFAULT_CHANNELS": ""}
}

// eventsAfter reads the ids of the events of a type, after a position, until it has some of them.
func (p *program) eventsAfter(after, event string, n int) (ids []string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", p.base+"/sse?userId=u1", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	res, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	id := ""
	for lines := bufio.NewScanner(res.Body); len(ids) < n; {
		if !lines.Scan() {
			p.t.Fatalf("the stream ended after %v: %v", ids, lines.Err())
		}
		if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = text
		}
		if lines.Text() == "event: "+event {
			ids = append(ids, id)
		}
	}
	return ids
}

// A notification that one node stores reaches the clients of the others, and a client that changes
// to another node misses nothing.
func TestNodesShareNotifications(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	var nodes []*program
	for range 3 {
		nodes = append(nodes, start(t, nodeOf(redis)))
	}
	for _, p := range nodes {
		p.waitReady()
	}
	first := nodes[0].eventsAfter("", "connected", 1)
	var want []string
	for i := range 9 {
		status, text := nodes[i%3].publish(testKey)
		if status != 200 {
			t.Fatal(status, text)
		}
		want = append(want, idIn.FindStringSubmatch(text)[1])
	}
	for i, p := range nodes {
		if got := p.eventsAfter(first[0], "hello", len(want)); !slices.Equal(got, want) {
			t.Errorf("node %d: %v, want %v", i, got, want)
		}
		if got := p.eventsAfter(want[4], "hello", 4); !slices.Equal(got, want[5:]) {
			t.Errorf("node %d after %s: %v", i, want[4], got)
		}
	}
	for _, p := range nodes {
		p.end()
	}
}

// What one node retains, another one lists and deletes, and a node that starts has it.
func TestNodesShareRetained(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	a, b := start(t, nodeOf(redis)), start(t, nodeOf(redis))
	a.waitReady()
	b.waitReady()
	const list = "/v1/channels/shop/retained"
	ask := func(p *program, method, path, body string) string {
		res, text := servertest.Do(t, method, p.base+path, body, "Authorization: Bearer "+testKey,
			"Content-Type: application/json")
		if res.StatusCode != 200 {
			t.Fatal(res.StatusCode, text)
		}
		return strings.TrimSpace(text)
	}
	text := ask(a, "POST", "/v1/notifications",
		`{"target":{"channel":"shop"},"type":"status","data":{"open":true},"retain":true}`)
	redis.Do(t, "XTRIM", "socket.io", "MAXLEN", "0")
	late := start(t, nodeOf(redis))
	late.waitReady()
	want := ask(a, "GET", list, "")
	if !strings.Contains(want, `"retained":[{"id":"`+idIn.FindStringSubmatch(text)[1]+`"`) {
		t.Errorf("the node that published lists %s", want)
	}
	for _, p := range []*program{b, late} {
		servertest.Eventually(t, "the other node lists it", func() bool {
			return ask(p, "GET", list, "") == want
		})
	}
	if text := ask(late, "DELETE", list+"/status", ""); text != `{"deleted":1}` {
		t.Errorf("deleted: %s", text)
	}
	for _, p := range []*program{a, b, late} {
		servertest.Eventually(t, "no node lists it", func() bool {
			return ask(p, "GET", list, "") == `{"retained":[]}`
		})
		p.end()
	}
}

// waitReady waits until the node is ready.
func (p *program) waitReady() {
	p.t.Helper()
	servertest.Eventually(p.t, "the node is ready", func() bool {
		status, _ := p.ready()
		return status == 200
	})
}

func (p *program) ready() (status int, text string) {
	p.t.Helper()
	res, err := httpClient().Get(p.base + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// R01: a node starts without its Redis, is not ready, refuses publishes, and needs no restart.
func TestNodeStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	redis.Kill()
	p := start(t, nodeOf(redis))
	if status, text := p.ready(); status != 503 || !strings.Contains(text, "log") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := p.publish(testKey); status != 503 {
		t.Errorf("a publish: %d %s", status, text)
	}
	redis.Restart(t)
	p.waitReady()
	if status, text := p.publish(testKey); status != 200 {
		t.Errorf("a publish: %d %s", status, text)
	}
	p.end()
}

// R12: a Redis that may drop any key is refused, and the message names the setting.
func TestEvictingRedisIsRefused(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{Eviction: "allkeys-lru"})
	p := start(t, nodeOf(redis))
	err := <-p.done
	if err == nil || !strings.Contains(err.Error(), "maxmemory-policy") {
		t.Errorf("error %v", err)
	}
}

// decoded returns the bytes of a session in Redis.
func decoded(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Nodes count the users of each other, and the API of one shows and changes the connections of all.
func TestNodesShowOneCluster(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	settings := nodeOf(redis)
	settings["MAX_CONNECTIONS_PER_USER"] = "2"
	one, two := start(t, settings), start(t, settings)
	one.waitReady()
	two.waitReady()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	open := func(p *program, query string) *bufio.Scanner {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", p.base+"/sse?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := httpClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return bufio.NewScanner(res.Body)
	}
	await := func(lines *bufio.Scanner, want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", want, lines.Err())
	}
	ask := func(p *program, method, path string) string {
		_, text := servertest.Do(t, method, p.base+path, "", "X-API-Key: "+testKey)
		return text
	}
	watcher := open(two, "userId=watcher&channel=presence")
	await(watcher, "event: connected")
	first := open(one, "userId=ada&channel=orders")
	await(first, "event: connected")
	await(watcher, `"userId":"ada"`)
	servertest.Eventually(t, "a volatile notification at the other node", func() bool {
		_, text := servertest.Do(t, "POST", two.base+"/v1/notifications",
			`{"target":{"channel":"orders"},"type":"typing","volatile":true}`, "X-API-Key: "+testKey,
			"Content-Type: application/json")
		return strings.Contains(text, `"delivered":1,`) // else it is not known there yet
	})
	await(first, "event: typing")
	second := open(two, "userId=ada")
	await(second, "event: connected")
	servertest.Eventually(t, "both connections", func() bool {
		return strings.Count(ask(one, "GET", "/v1/users/ada"), `"clientId"`) == 2
	})
	servertest.Eventually(t, "both connections in a receipt", func() bool {
		_, text := servertest.Do(t, "POST", one.base+"/v1/notifications",
			`{"target":{"user":"ada"},"type":"t"}`, "X-API-Key: "+testKey,
			"Content-Type: application/json")
		return strings.Contains(text, `"delivered":2,"users":1,`)
	})
	await(open(one, "userId=ada"), "event: overloaded")
	status, text := two.publish(testKey)
	if status != 200 || !strings.Contains(text, `"delivered":3,`) {
		t.Errorf("%d %s", status, text)
	}
	servertest.Eventually(t, "a change on the other node", func() bool {
		return strings.HasPrefix(ask(two, "DELETE", "/v1/users/ada/connections"), `{"disconnected":2`)
	})
	await(first, "event: disconnected")
	await(second, "event: disconnected")
	servertest.Eventually(t, "the statistics of both", func() bool {
		return strings.Count(ask(one, "GET", "/v1/stats?cluster=1"), `"uid"`) == 2
	})
	cancel() // the streams
	one.end()
	two.end()
}
