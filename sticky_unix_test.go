//go:build unix

package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// admin returns the address of the admin listener.
func (c *child) admin() *url.URL {
	return &url.URL{Scheme: "http",
		Host: c.waitFor(regexp.MustCompile(`"admin listening","address":"([^"]+)"`))[1]}
}

// scrape returns the metrics.
func (c *child) scrape() map[string]float64 {
	c.t.Helper()
	admin := c.admin()
	return servertest.Scrape(c.t, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(admin) }})
}

// Each request of a polling session goes to another node than the one before, and so does its
// upgrade. The client sees one server.
func TestPollingWithoutStickySessions(t *testing.T) {
	t.Parallel()
	f := startFleet(t, redistest.Start(t, redistest.Options{}), 3, map[string]string{
		"API_KEYS": servertest.Key}) // of Stack.Publish
	s := &servertest.Stack{T: t, Base: f.balancer.Addr}
	tags := map[string]bool{}
	tag := regexp.MustCompile(`&sid=(.{4})`)
	for i := range 4 { // one more than nodes, so that sessions and turns shift
		user := fmt.Sprint("u", i)
		client := s.Poll()
		tags[tag.FindStringSubmatch(client.URL)[1]] = true
		client.Post("40" + servertest.UserJSON(user))
		read := ""
		await := func(what string) {
			t.Helper()
			servertest.Eventually(t, what, func() bool {
				if !strings.Contains(read, what) {
					read += client.Get()
				}
				return strings.Contains(read, what)
			})
		}
		await(`42["connected"`)
		for n := range 6 {
			event := fmt.Sprint("event-", n)
			s.Publish(`{"target":{"user":"` + user + `"},"type":"` + event + `"}`)
			await(`42["` + event + `"`)
			client.Post(fmt.Sprintf(`42%d["ping"]`, n))
			await(fmt.Sprintf("43%d[", n))
		}
		ws := client.Upgrade()
		s.Publish(`{"target":{"user":"` + user + `"},"type":"upgraded"}`)
		ws.Event("upgraded", nil)
		ws.Sync()
	}
	if len(tags) != 3 {
		t.Errorf("the sessions are on %d nodes, want 3", len(tags))
	}
	passed := 0.0
	for _, p := range f.nodes {
		for series, n := range p.scrape() {
			if strings.HasPrefix(series, "roomcast_forwarded_total") {
				passed += n
			}
		}
	}
	if passed < 24 {
		t.Errorf("%v requests were passed on to other nodes", passed)
	}
}

// The secret of a node is in the list of nodes, for the other nodes, and in nothing that a node
// answers or logs.
func TestSecretOfNodeStaysInTheList(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	f := startFleet(t, redis, 2, map[string]string{"LOG_LEVEL": "debug", "API_KEYS": servertest.Key})
	secrets := map[string][]byte{}
	keys, _ := redis.Do(t, "KEYS", "*:node:*").([]any)
	for _, key := range keys {
		text, _ := redis.Do(t, "GET", key.(string)).(string)
		var node struct {
			UID    string
			Secret []byte
		}
		if err := json.Unmarshal([]byte(text), &node); err != nil || len(node.Secret) != 32 {
			t.Fatalf("%s is %s: %v", key, text, err)
		}
		secrets[node.UID] = node.Secret
	}
	if len(secrets) != 2 {
		t.Fatalf("%d nodes are in the list", len(secrets))
	}

	var said strings.Builder // what the nodes answer
	ask := func(method, address string, headers ...string) int {
		t.Helper()
		res, text := servertest.Do(t, method, address, "", append(headers,
			"X-API-Key: "+servertest.Key)...)
		_ = res.Header.Write(&said)
		said.WriteString(text)
		return res.StatusCode
	}
	s := &servertest.Stack{T: t, Base: f.balancer.Addr}
	client := s.Poll()
	client.Post("40" + servertest.UserJSON("u")) // one of these two is passed on
	said.WriteString(client.Get())
	for _, p := range f.nodes {
		sid := client.URL[strings.LastIndex(client.URL, "=")+1:]
		forged := "X-Roomcast-Forward: 1 0123456789abcdef 1 1 - AAAA"
		if status := ask("GET", p.base+"/socket.io/?EIO=4&transport=polling&sid="+sid,
			forged); status != http.StatusForbidden {
			t.Errorf("a forged request got %d", status)
		}
		ask("GET", p.base+"/socket.io/?EIO=4&transport=polling&sid=none"+sid[4:])
		ask("POST", p.base+"/sse/"+sid+"/channels")
		for _, path := range []string{"/v1/stats", "/v1/stats?cluster=1", "/v1/connections",
			"/v1/connections/" + sid, "/v1/users", "/v1/users/u", "/v1/channels", "/readyz", "/livez",
			"/openapi.json"} {
			ask("GET", p.base+path)
		}
		for _, path := range []string{"/metrics", "/readyz", "/livez", "/debug/vars",
			"/debug/pprof/cmdline", "/"} {
			ask("GET", p.admin().String()+path)
		}
	}
	if !strings.Contains(said.String(), `"uid"`) || !strings.Contains(said.String(), "roomcast_") {
		t.Errorf("the answers have neither nodes nor metrics:\n%s", said.String())
	}
	f.nodes[0].kill(t)
	ask("GET", f.nodes[1].base+"/v1/stats?cluster=1") // the node does not answer
	f.stop(1)
	for _, p := range f.nodes {
		said.WriteString(p.out.String() + p.notes.String())
	}
	for uid, secret := range secrets {
		for form, text := range map[string]string{
			"bytes": string(secret), "base64": base64.RawStdEncoding.EncodeToString(secret),
			"base64url": base64.RawURLEncoding.EncodeToString(secret), "hex": hex.EncodeToString(secret),
			"numbers": strings.Trim(fmt.Sprint(secret), "[]"),
			"JSON":    strings.ReplaceAll(strings.Trim(fmt.Sprint(secret), "[]"), " ", ","),
		} {
			if strings.Contains(strings.ToLower(said.String()), strings.ToLower(text)) {
				t.Errorf("the secret of %s is in an answer or a log as %s", uid, form)
			}
		}
	}
}
