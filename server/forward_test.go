package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/forward"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// TestOfficialClientWithoutStickySessions runs socket.io-client behind the balancer.
func TestOfficialClientWithoutStickySessions(t *testing.T) {
	t.Parallel()
	directory := filepath.Join("..", "web", "e2e")
	if _, err := os.Stat(filepath.Join(directory, "..", "node_modules", "socket.io-client")); err != nil {
		t.Skip("without the packages of web: run make npm")
	}
	const clients, events = 9, 30
	for _, c := range []struct {
		name, end  string
		transports []string
	}{
		{"polling", "polling", []string{"polling"}},
		{"upgrade", "websocket", []string{"polling", "websocket"}},
		{"websocket", "websocket", []string{"websocket"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster := newNodeCluster(t, nil)
			args := append([]string{"forward.mjs", "http://" + cluster.Base, fmt.Sprint(clients),
				fmt.Sprint(events)}, c.transports...)
			cmd := exec.CommandContext(t.Context(), "node", args...)
			cmd.Dir, cmd.Stderr = directory, os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "ready" {
				t.Fatalf("got %q", lines.Text())
			}
			spread := 0
			for _, n := range cluster.nodes {
				spread = max(spread, n.sio.Sessions())
				for i := range events {
					n.Publish(fmt.Sprintf(`{"target":{"all":true},"type":"n","data":%d}`, i))
				}
			}
			if spread == clients {
				t.Error("one node has all sessions")
			}
			var want []int
			for i := range events {
				want = append(want, i)
			}
			n := 0
			for ; lines.Scan(); n++ {
				var seen struct {
					Connects, Acks int
					Disconnects    []string
					Got            []int
					Transport      string
				}
				if err := json.Unmarshal(lines.Bytes(), &seen); err != nil {
					t.Fatalf("%s: %v", lines.Text(), err)
				}
				if seen.Connects != 1 || len(seen.Disconnects) > 0 || seen.Acks != events ||
					!slices.Equal(seen.Got, want) || seen.Transport != c.end {
					t.Errorf("client %d: %s", n, lines.Text())
				}
			}
			if err := cmd.Wait(); err != nil || n != clients {
				t.Errorf("%d clients, %v", n, err)
			}
		})
	}
}

// TestRawPollingWithoutStickySessions checks the bytes of a session that reaches its node by the
// others, and that its node alone counts it.
func TestRawPollingWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, nil)
	p := c.Poll()
	owner := c.owner(sidOf(t, p))
	p.Post(`40{"userId":"u1"}`)
	for got := ""; !strings.Contains(got, `"connected"`); {
		got += p.Get()
		if !strings.HasPrefix(got, `40{"sid":`) {
			t.Fatalf("got %s", got)
		}
	}
	large := strings.Repeat("x", 900_000)
	for i := range 6 { // to each node twice
		p.Post(fmt.Sprintf(`42%d["ping","%s"]`, i, large), "3")
		for got, want := "", fmt.Sprintf("43%d[", i); !strings.Contains(got, want); {
			got = p.Get() // also the event pong
		}
	}
	waiting := make(chan string)
	go func() { waiting <- p.Get() }()
	owner.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
	if got := servertest.Receive(t, waiting); !strings.HasPrefix(got, `42["n",`) {
		t.Errorf("got %s", got)
	}
	for _, n := range c.nodes {
		want := 0
		if n == owner {
			want = 1
		}
		writes := servertest.Scrape(t, n.counts.Handler())[`roomcast_sent_bytes_total{transport="polling"}`]
		if n.sio.Sessions() != want || n.Hub.Stats().Total != want || (writes > 0) != (want > 0) || n.refused() != 0 {
			t.Errorf("node %s: %d sessions, %d connections, %v bytes, %v refusals", n.tag,
				n.sio.Sessions(), n.Hub.Stats().Total, writes, n.refused())
		}
	}
}

// TestUpgradeWithoutStickySessions upgrades sessions by every node, and sends large messages.
func TestUpgradeWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, nil)
	for range 3 {
		p := c.Poll()
		p.Post(`40{"userId":"u1"}`)
		p.Get()
		ws := p.Upgrade()
		large := strings.Repeat("x", 900_000)
		for i := range 3 {
			ws.Send(fmt.Sprintf(`42%d["ping","%s"]`, i, large))
			for want := fmt.Sprintf("43%d[", i); !strings.HasPrefix(ws.Read(), want); { // also pong
			}
		}
		owner := c.owner(sidOf(t, p))
		owner.Publish(fmt.Sprintf(`{"target":{"user":"u1"},"type":"n","data":"%s"}`, large[:200_000]))
		if got := ws.Read(); !strings.HasPrefix(got, `42["n",`) || len(got) < 200_000 {
			t.Errorf("got %.200s", got)
		}
		ws.Conn.Close() // the owner sees the end
		servertest.Eventually(t, "the session ends", func() bool { return owner.sio.Sessions() == 0 })
	}
}

// TestUnknownSessionsAnswerAsBefore compares the answers for ids of nobody, of a node that is gone,
// and of this node with those of a node without others.
func TestUnknownSessionsAnswerAsBefore(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, nil)
	c.mu.Lock()
	c.list = append(c.list, forward.Node{Tag: "GONE", Address: "http://127.0.0.1:1", Secret: forward.NewSecret()})
	c.mu.Unlock()
	alone := newServiceStack(t, nil)
	request := func(base, method, sid string) (int, string, http.Header) {
		res, text := servertest.Do(t, method, "http://"+base+"/socket.io/?EIO=4&transport=polling&sid="+sid,
			strings.Repeat("4x", len(method)-3), "Origin: http://"+base, "X-Request-ID: r")
		for name, values := range res.Header {
			res.Header[name] = []string{strings.ReplaceAll(strings.Join(values, ", "), base, "BASE")}
		}
		res.Header.Del("Date")
		return res.StatusCode, text, res.Header
	}
	rest := strings.Repeat("x", 20)
	for _, method := range []string{"GET", "POST"} {
		status, text, header := request(alone.Base, method, "AAAA"+rest)
		if status != 400 || text != `{"code":1,"message":"Session ID unknown"}` {
			t.Fatalf("a node without others answers %d %s", status, text)
		}
		for _, sid := range []string{"AAAA" + rest, "BBBB" + rest, "GONE" + rest, "ZZZZ" + rest, "BBBB", "\u00fc" + rest} {
			gotStatus, gotText, gotHeader := request(c.nodes[0].Base, method, sid)
			if gotStatus != status || gotText != text || fmt.Sprint(gotHeader) != fmt.Sprint(header) {
				t.Errorf("%s %s: %d %s %v\nwant %v", method, sid, gotStatus, gotText, gotHeader, header)
			}
		}
	}
	servertest.ExpectSeries(t, servertest.Scrape(t, c.nodes[0].counts.Handler()), map[string]float64{
		"roomcast_forwards": 0, `roomcast_forwarded_total{outcome="answered"}`: 2,
		`roomcast_forwarded_total{outcome="unknown"}`:     2,
		`roomcast_forwarded_total{outcome="unreachable"}`: 2,
	})
	if a, b := c.nodes[0].refused(), c.nodes[1].refused(); a != 10 || b != 2 {
		t.Errorf("the nodes count %v and %v refusals, want 10 and 2", a, b)
	}
}

// TestBindingWithoutStickySessions checks that a session is bound to its token and its address also
// by way of other nodes.
func TestBindingWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, tokenMode(t))
	own := http.Header{"Authorization": {"Bearer " + servertest.TokenFor(t, time.Now().Add(time.Hour))}}
	p := c.PollWith(own)
	p.Post("40")
	if got := p.Get(); !strings.HasPrefix(got, `40{"sid":`) {
		t.Fatalf("got %s", got)
	}
	other := "Authorization: Bearer " + servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u2", "exp": time.Now().Add(time.Hour).Unix()})
	for range 3 { // each node
		for _, headers := range [][]string{nil, {other}} {
			res, text := servertest.Do(t, "POST", p.URL, "42[\"x\"]", headers...)
			if res.StatusCode != 400 || text != `{"code":1,"message":"Session ID unknown"}` {
				t.Errorf("%v: %d %s", headers, res.StatusCode, text)
			}
		}
	}
	// A page cannot send the header with a WebSocket, so the address decides.
	for _, n := range c.nodes {
		direct := *p
		direct.URL = strings.Replace(p.URL, c.Base, n.Base, 1)
		direct.Headers = http.Header{"X-Forwarded-For": {"203.0.113.8"}}
		_, res, err := websocket.DefaultDialer.Dial(strings.NewReplacer("http:", "ws:",
			"=polling", "=websocket").Replace(direct.URL), direct.Headers)
		if err == nil || res.StatusCode != 400 {
			t.Errorf("node %s upgrades for another address: %v", n.tag, err)
		}
	}
	p.Headers = nil
	ws := p.Upgrade()
	ws.Sync()
}

// TestTooLargePostWithoutStickySessions sends a body above the maximum to each node. The session
// ends, as on a node alone.
func TestTooLargePostWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, func(o *socketio.Options) { o.MaxPayload = 1000 })
	for i := range 12 {
		p := c.Poll()
		owner := c.owner(sidOf(t, p))
		res, text := servertest.Do(t, "POST", p.URL, "4"+strings.Repeat("x", 1000+1_000_000*(i/3)))
		if res.StatusCode != 413 || text != `{"code":3,"message":"Bad request"}` {
			t.Errorf("%d %s", res.StatusCode, text)
		}
		servertest.Eventually(t, "the session ends", func() bool { return owner.sio.Sessions() == 0 })
	}
}

// TestStreamsWithoutStickySessions steers a stream by requests to every node.
func TestStreamsWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, nil)
	_, lines := c.Stream(nil, nil)
	var connected struct{ ClientID, Secret string }
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &connected); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	owner := c.owner(connected.ClientID)
	if len(connected.ClientID) != 24 {
		t.Errorf("the id %s has not 24 characters", connected.ClientID)
	}
	path := func(id, what string) string { return "http://" + c.Base + "/sse/" + id + "/" + what }
	secret, kind := sse.HeaderSecret+": "+connected.Secret, "Content-Type: application/json"
	rest := strings.Repeat("x", 20)
	for i := range 3 { // each node
		channel := fmt.Sprint("orders-", i)
		res, text := servertest.Do(t, "POST", path(connected.ClientID, "channels"),
			`{"join":["`+channel+`"]}`, secret, kind)
		if res.StatusCode != 200 || text != `{"joined":["`+channel+`"],"left":[],"denied":[]}`+"\n" {
			t.Errorf("%d %s", res.StatusCode, text)
		}
		for _, r := range []struct {
			method, id string
			headers    []string
			status     int
		}{
			{"POST", connected.ClientID, []string{secret + "x", kind}, 403},
			{"POST", connected.ClientID, []string{kind}, 403}, {"GET", connected.ClientID, nil, 405},
			{"POST", owner.tag + rest, []string{secret, kind}, 404},
			{"POST", "ZZZZ" + rest, []string{secret, kind}, 404},
		} {
			body := map[string]string{"POST": `{"join":["x"]}`}[r.method]
			res, text := servertest.Do(t, r.method, path(r.id, "channels"), body, r.headers...)
			if res.StatusCode != r.status || r.status == 404 && !strings.Contains(text, sse.ErrNoStream.Message) {
				t.Errorf("%v: %d %s", r, res.StatusCode, text)
			}
		}
	}
	for i := range 3 {
		if r := owner.Publish(fmt.Sprintf(`{"target":{"channel":"orders-%d"},"type":"n","data":1}`, i)); r.Delivered != 1 {
			t.Errorf("channel %d: %+v", i, r)
		}
	}
}

// TestDrainWithoutStickySessions drains a node that forwards an upgraded connection.
func TestDrainWithoutStickySessions(t *testing.T) {
	t.Parallel()
	c := newNodeCluster(t, nil)
	p := (&servertest.Stack{T: t, Base: c.nodes[0].Base}).Poll()
	p.Post(`40{"userId":"u1"}`)
	p.Get()
	p.URL = strings.Replace(p.URL, c.nodes[0].Base, c.nodes[1].Base, 1)
	ws := p.Upgrade()
	ws.Sync()
	if err := c.nodes[1].service.close(t.Context(), pace{}); err != nil {
		t.Error(err)
	}
	ws.Closed()
	servertest.Eventually(t, "the session ends", func() bool { return c.nodes[0].sio.Sessions() == 0 })
}
