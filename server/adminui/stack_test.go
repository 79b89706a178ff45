package adminui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// The password of tests, and its hash.
const (
	password = "changeit"
	hash     = "$2a$10$7icEOtUgjZalLuxiABFtxujqeMOw1GNEZhNyGW0MSl8X7j1.nAQD2"
)

// stack is a server of both transports with the UI.
type stack struct {
	*servertest.Stack
	ui  *ui
	log *servertest.Log // the audit log
}

func newStack(t testing.TB, mode auth.Mode, change func(*Options)) *stack {
	t.Helper()
	users, err := auth.New(auth.Options{Mode: mode, Secret: auth.Secret(servertest.Secret)})
	if err != nil {
		t.Fatal(err)
	}
	o := socketio.DefaultOptions()
	o.Hub, o.Auth, o.Heartbeat, o.RateInterval = servertest.NewHub(t), users, 0, 0
	o.ConnectTimeout = servertest.Patience // a comparison is slow on a busy machine
	sio, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	log, lines := servertest.NewLog()
	own := DefaultOptions()
	own.Hash, own.Audit = auth.Secret(hash), edge.NewAudit(log)
	own.bounds.interval = 50 * time.Millisecond
	if change != nil {
		change(&own)
	}
	u, err := mount(sio, own)
	if err != nil {
		t.Fatal(err)
	}
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Problem = o.Hub, users, edge.WriteProblem
	so.Address = edge.ClientIP
	streams, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.Handle("/socket.io/", sio)
	routes.Handle("/sse", streams.Stream(""))
	base := servertest.Serve(t, edge.WithInfo(nil, routes))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := errors.Join(sio.Shutdown(ctx), streams.Shutdown(ctx)); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return &stack{Stack: &servertest.Stack{T: t, Hub: o.Hub, Base: base}, ui: u, log: lines}
}

// client is an admin: it keeps what the UI of a page would show.
type client struct {
	*servertest.WebSocket
	t       testing.TB
	session string
	config  string
	page    *page
}

// admin logs in and reads until the first sockets.
func (s *stack) admin(credentials string) *client {
	s.T.Helper()
	c := &client{WebSocket: s.Dial(""), t: s.T, page: newPage()}
	c.Send("40/admin," + credentials)
	if got := servertest.Masked(c.Read()); got != `40/admin,{"sid":*}` {
		s.T.Fatalf("CONNECT: %s", got)
	}
	c.until(func() bool { return c.page.began })
	return c
}

// bySession returns the credentials of an admin that has logged in before: to compare a password takes
// a second with the race detector.
func (s *stack) bySession() string {
	return `{"sessionId":"` + s.ui.login.credential.Load().sessions.add() + `"}`
}

const byPassword = `{"username":"admin","password":"` + password + `"}`

// until reads events until a condition about the page is true.
func (c *client) until(ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(servertest.Patience); !ok(); {
		if time.Now().After(end) {
			c.t.Fatalf("timed out; the page got\n%s", strings.Join(c.page.seen, "\n"))
		}
		text := c.Read()
		var args []json.RawMessage
		body, isEvent := strings.CutPrefix(text, "42/admin,")
		if !isEvent || json.Unmarshal([]byte(body), &args) != nil {
			c.t.Fatalf("got %s, want an event", text)
		}
		switch name := textOf(args[0]); name {
		case "session":
			c.session = textOf(args[1])
		case "config":
			c.config = string(args[1])
		default:
			c.page.take(name, args[1:])
		}
	}
}

// ask sends an event, and returns the acknowledgement.
func (c *client) ask(event string) (ack string) {
	c.t.Helper()
	c.Send("42/admin,5" + event)
	for end := time.Now().Add(servertest.Patience); ; {
		if time.Now().After(end) {
			c.t.Fatalf("no acknowledgement of %s", event)
		}
		text := c.Read()
		if ack, ok := strings.CutPrefix(text, "43/admin,5"); ok {
			return ack
		}
		body := strings.TrimPrefix(text, "42/admin,")
		var args []json.RawMessage
		if err := json.Unmarshal([]byte(body), &args); err != nil {
			c.t.Fatalf("got %s", text)
		}
		c.page.take(textOf(args[0]), args[1:])
	}
}

// page is what the official UI shows: it changes as the code of the page does, by the same events.
type page struct {
	began   bool
	sockets map[key]socket
	reasons map[key]string
	stats   serverStats
	counts  map[string]uint64 // of aggregated events, since the login
	seen    []string          // events as they came, except server_stats
}

func newPage() *page {
	return &page{
		sockets: map[key]socket{}, reasons: map[key]string{}, counts: map[string]uint64{},
	}
}

func (p *page) take(name string, args []json.RawMessage) {
	if name != "server_stats" {
		text, _ := json.Marshal(args)
		p.seen = append(p.seen, name+string(text))
	}
	decode := func(i int, to any) { _ = json.Unmarshal(args[i], to) }
	at := func(nsp, id int) key { return key{textOf(args[nsp]), textOf(args[id])} }
	switch name {
	case "server_stats":
		p.stats = serverStats{}
		decode(0, &p.stats)
		for _, e := range p.stats.Events {
			p.counts[e.Type] += e.Count
		}
	case "all_sockets":
		var all []socket
		decode(0, &all)
		p.began, p.sockets = true, map[key]socket{}
		for _, s := range all {
			p.sockets[key{s.Namespace, s.ID}] = s
		}
	case "socket_connected":
		var s socket
		decode(0, &s)
		if _, known := p.sockets[key{s.Namespace, s.ID}]; !known {
			p.sockets[key{s.Namespace, s.ID}] = s
		}
	case "socket_updated":
		var m moved
		decode(0, &m)
		k := key{m.Namespace, m.ID}
		if s, known := p.sockets[k]; known {
			s.Transport = m.Transport
			p.sockets[k] = s
		}
	case "socket_disconnected":
		p.reasons[at(0, 1)] = textOf(args[2])
		delete(p.sockets, at(0, 1))
	case "room_joined", "room_left":
		k := at(0, 2)
		s, known := p.sockets[k]
		if !known {
			return
		}
		s.Rooms = without(s.Rooms, textOf(args[1]))
		if name == "room_joined" {
			s.Rooms = append(s.Rooms, textOf(args[1]))
		}
		p.sockets[k] = s
	}
}

// rooms returns the rooms of a socket, sorted, without its own; nil if it is not shown.
func (p *page) rooms(namespace, id string) []string {
	s, ok := p.sockets[key{namespace, id}]
	if !ok {
		return nil
	}
	names := without(s.Rooms, id)
	slices.Sort(names)
	return names
}

// idOfStream reads the first event of a stream.
func (s *stack) stream(query map[string][]string) (id string) {
	s.T.Helper()
	_, lines := s.Stream(query, nil)
	for lines.Scan() {
		if found := clientID.FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
	}
	s.T.Fatalf("no event connected: %v", lines.Err())
	return ""
}

var clientID = regexp.MustCompile(`"clientId":"([^"]+)"`)
