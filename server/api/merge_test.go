package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Whatever the nodes have, and wherever their pages are cut, a caller that reads all pages gets each
// name once, in order, with the sum of all nodes.
func TestMergedPages(t *testing.T) {
	t.Parallel()
	name := func(v userView) string { return v.UserID }
	rapid.Check(t, func(t *rapid.T) {
		nodes := make([]map[string]int, rapid.IntRange(1, 4).Draw(t, "nodes"))
		want := map[string]int{}
		for i := range nodes {
			nodes[i] = map[string]int{}
			for _, id := range rapid.SliceOfN(rapid.StringMatching("[ab]{1,3}"), 0, 9).Draw(t, "names") {
				nodes[i][id]++
				want[id]++
			}
		}
		q := listing{Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		got := map[string]int{}
		var order []string
		for range 100 {
			var parts []part[userView]
			for _, has := range nodes {
				names, more := cut(slices.Collect(maps.Keys(has)), q)
				p := part[userView]{More: more}
				for _, id := range names {
					p.Items = append(p.Items, userView{UserID: id, Connections: has[id]})
				}
				if n := len(p.Items); n > 1 && rapid.Bool().Draw(t, "is cut") {
					p.Items, p.More = p.Items[:n/2], true
				}
				parts = append(parts, p)
			}
			page := merge(parts, q, name,
				func(to *userView, other userView) { to.Connections += other.Connections })
			for _, v := range page.Items {
				got[v.UserID] += v.Connections
				order = append(order, v.UserID)
			}
			if len(page.Items) > q.Limit || page.More && len(page.Items) == 0 {
				t.Fatalf("a page of %d, more %v", len(page.Items), page.More)
			}
			if !page.More {
				break
			}
			q.After = order[len(order)-1]
		}
		if !maps.Equal(got, want) || !slices.IsSorted(order) || len(order) != len(want) {
			t.Fatalf("got %v in %q, want %v", got, order, want)
		}
	})
}

// fixedBus is the bus of a node whose only other node always answers the same.
type fixedBus struct {
	answer   string
	handlers map[string]func(string, []byte) []byte
}

func (b fixedBus) Self() cluster.Node { return cluster.Node{UID: "7263000000000002"} }

func (b fixedBus) Tell(context.Context, string, []byte) error { return nil }

func (b fixedBus) Ask(context.Context, string, []byte) (map[string][]byte, []string, error) {
	return map[string][]byte{"7263000000000001": []byte(b.answer)}, nil, nil
}

func (b fixedBus) Handle(kind string, f func(string, []byte) []byte) { b.handlers[kind] = f }

// FuzzAnswers gives a node answers and questions that no other node has written.
func FuzzAnswers(f *testing.F) {
	f.Add("api.connections", `{"items":[{"clientId":"a"}],"more":true}`)
	f.Add("api.users", `{"items":[],"more":true,"limit":-1}`)
	f.Add("api.stats", `{"byTransport":{"sse":1}}`)
	f.Add("api.connection", `null`)
	f.Fuzz(func(t *testing.T, kind, body string) {
		hub := servertest.NewHub(t)
		servertest.Attach(t, hub, "own", "u")
		bus := fixedBus{body, map[string]func(string, []byte) []byte{}}
		options := testOptions(hub, servertest.Key)
		options.Bus = bus
		router := newHandler(options).router()
		if handler := bus.handlers[kind]; handler != nil {
			handler("7263000000000001", []byte(body))
		}
		for _, route := range []string{"GET /v1/users", "GET /v1/channels", "GET /v1/connections",
			"GET /v1/connections/c", "GET /v1/users/u", "DELETE /v1/users/u/connections",
			"PUT /v1/users/u/channels/x", "DELETE /v1/connections/c/channels/x", "GET /v1/stats?cluster=1"} {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("X-API-Key", servertest.Key)
			w := httptest.NewRecorder()
			edge.WithInfo(nil, router).ServeHTTP(w, r)
			if !json.Valid(w.Body.Bytes()) || w.Code == http.StatusInternalServerError {
				t.Fatalf("%s: %d %s", route, w.Code, w.Body)
			}
		}
	})
}
