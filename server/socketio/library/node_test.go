package library

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// scenario is an entry of scenarios.json. The clients run its steps in order; README.md in the same
// directory describes the steps.
type scenario struct {
	Name    string
	Clients int
	Ping    [2]time.Duration // milliseconds
	Only    string           // the only host that can run it; "": all
	Missing bool             // a client may close before a handler sees it
	Also    string           // a reason that handlers may see instead of the recorded one
	Rooms   bool             // compare the events of rooms
	Steps   []string
}

// TestHandlersSeeWhatNodeShows runs the scenarios that were recorded with socket.io on Node, with
// handlers on package socketio and with handlers on the library's API.
func TestHandlersSeeWhatNodeShows(t *testing.T) {
	t.Parallel()
	scenarios, recorded := readRecording(t)
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, sc := range scenarios {
				if sc.Only != "" && sc.Only != name ||
					name == "api" && !slices.Contains(sc.Steps, "kick") {
					continue
				}
				t.Run(sc.Name, func(t *testing.T) {
					t.Parallel()
					sc.run(t, host).compare(t, sc, host.shown(recorded[sc.Name]))
				})
			}
		})
	}
}

func readRecording(t *testing.T) (scenarios []scenario, recorded map[string]sight) {
	t.Helper()
	dir := filepath.Join("..", "testdata", "node")
	text, err := os.ReadFile(filepath.Join(dir, "scenarios.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &scenarios); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "recording.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	recorded = map[string]sight{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var s sight
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		recorded[s.Name] = s
	}
	for _, sc := range scenarios {
		if _, found := recorded[sc.Name]; !found {
			t.Fatalf("%q is not recorded: see testdata/node/README.md", sc.Name)
		}
	}
	return scenarios, recorded
}

// nodeRun is one run of a scenario.
type nodeRun struct {
	*testStack
	t       *testing.T
	polls   *pollCounter
	clients []*nodeClient

	mu    sync.Mutex
	seen  map[string][]string // by user
	users map[string]string   // by socket id
	rooms [][]string
}

func (r *nodeRun) note(user string, words ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[user] = append(r.seen[user], strings.Join(words, " "))
}

func (r *nodeRun) hasSeen(user, line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.seen[user], line)
}

// noteConnection records a new client that a handler sees.
func (r *nodeRun) noteConnection(user, id, namespace string) {
	r.note(user, "connection", namespace)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users[id] = user
}

// noteRoom records an event of a room of "/".
func (r *nodeRun) noteRoom(words ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rooms = append(r.rooms, words)
}

func (sc scenario) run(t *testing.T, host nodeHost) sight {
	r := &nodeRun{t: t, seen: map[string][]string{}, users: map[string]string{}}
	r.polls = &pollCounter{}
	r.testStack = newStackBehind(t, r.polls.count, func(o *socketio.Options) {
		if sc.Ping != [2]time.Duration{} {
			o.PingInterval, o.PingTimeout = sc.Ping[0]*time.Millisecond, sc.Ping[1]*time.Millisecond
		}
		o.ConnectTimeout = time.Minute
	})
	host.register(r)
	clients := max(1, sc.Clients)
	if clients > few {
		clients = min(clients, servertest.Soaked(clients/max(host.crowd, crowd)))
	}
	for i := range clients {
		r.clients = append(r.clients, newNodeClient(r.Base, "u"+strconv.Itoa(i)))
	}
	defer func() {
		for _, c := range r.clients {
			c.drop()
		}
	}()
	// Groups of twenty: larger groups that poll during an upgrade keep a machine busy with empty
	// polls.
	for group := range slices.Chunk(r.clients, 20) {
		for _, step := range sc.Steps {
			if r.step(host, sc, group, step); t.Failed() {
				return sight{}
			}
		}
	}
	if slices.Contains(sc.Steps, "closed") {
		for _, c := range r.clients {
			if err := c.until(func() bool { return c.closed }); err != nil {
				t.Errorf("%s: is still open", c.user)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for r.sio.Sessions() > 0 && ctx.Err() == nil { // some end when their pong is overdue
		time.Sleep(5 * time.Millisecond)
	}
	if err := r.sio.Shutdown(ctx); err != nil { // returns after the handlers have run
		t.Errorf("shutdown: %v", err)
	}
	return r.sight()
}

var stepForm = regexp.MustCompile(`^(?:(\d+): )?(\S+) ?(.*)$`)

// step runs a step for the one client that it names, or for all clients of a group at the same
// time.
func (r *nodeRun) step(host nodeHost, sc scenario, group []*nodeClient, text string) {
	parts := stepForm.FindStringSubmatch(text)
	op, rest := parts[2], parts[3]
	if parts[1] != "" {
		i, _ := strconv.Atoi(parts[1])
		group = group[i : i+1]
	}
	switch op {
	case "closed": // for all groups, at the end
	case "pause": // only the Node server needs it
	case "kick":
		host.kick(r)
	case "stop":
		go func() {
			ctx, cancel := context.WithTimeout(r.t.Context(), servertest.Patience)
			defer cancel()
			_ = r.sio.Shutdown(ctx)
		}()
	case "held":
		servertest.Eventually(r.t, "the server holds a GET of every client", func() bool {
			return r.polls.held() == len(group)
		})
	default:
		var wg sync.WaitGroup
		for _, c := range group {
			wg.Go(func() {
				err := r.act(c, op, strings.ReplaceAll(rest, "{user}", servertest.UserJSON(c.user)))
				if err != nil && !(sc.Missing && errors.Is(err, errClientClosed)) {
					r.t.Errorf("%s: %s: %v", c.user, text, err)
				}
			})
		}
		wg.Wait()
	}
}

func (r *nodeRun) act(c *nodeClient, op, rest string) error {
	switch op {
	case "seen":
		servertest.Eventually(r.t, "handlers see "+rest, func() bool {
			return r.hasSeen(c.user, rest)
		})
		return nil
	case "put", "delete":
		url := "http://" + r.Base + "/v1/connections/" + c.id + "/channels/" + rest
		servertest.Do(r.t, strings.ToUpper(op), url, "", "Authorization: Bearer "+servertest.Key)
		return nil
	}
	return c.act(op, rest)
}
