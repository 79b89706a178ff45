// Package adminui answers the official admin UI of Socket.IO, @socket.io/admin-ui, in a namespace of
// its own, and shows EventSource streams there, too.
//
// An admin sees this node: at most 1,000 sockets, in every namespace, as they were a moment ago. The
// package compares them once a second with what the admin has seen, and tells the differences. It
// tells nothing that clients send or get. So an admin costs a bounded amount of memory and time,
// however many connections the server has, and nothing at all while none is there.
package adminui

import (
	"context"
	"sync"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
)

// Options configure the UI. Start from DefaultOptions.
type Options struct {
	Namespace string      // default "/admin"
	Username  string      // default "admin"
	Hash      auth.Secret // of the password, see CheckHash; required
	ReadOnly  bool        // admins can only look, the default

	Written func() uint64 // bytes written to all connections; nil: not known
	Audit   *edge.Audit   // gets what admins do; nil: nobody does

	bounds bounds
}

// bounds are what admins can take. Tests have smaller ones.
type bounds struct {
	admins   int           // at once
	sockets  int           // that an admin sees
	rooms    int           // of a socket that an admin sees, besides its own
	interval time.Duration // between two reports
	walk     time.Duration // between two walks through all sockets, for each of them
}

// DefaultOptions returns the default options, without the required Hash.
func DefaultOptions() Options {
	return Options{
		Namespace: "/admin", Username: "admin", ReadOnly: true,
		bounds: bounds{
			admins: 8, sockets: 1000, rooms: 64, interval: time.Second, walk: 100 * time.Microsecond,
		},
	}
}

// ui is the application of the namespace.
type ui struct {
	o       Options
	srv     *socketio.Server
	hub     *notify.Hub
	login   *login
	census  *census
	started time.Time

	mu     sync.Mutex
	admins map[*socketio.Conn]*admin
}

var errTooManyAdmins = socketio.Refuse("too many admins", map[string]any{
	"code": edge.CodeTooManyConnections,
})

// UI is an admin UI that was mounted.
type UI struct{ ui *ui }

// Mount registers the handlers of the UI. Call it before the first client connects. An error says
// what is wrong with the hash. Mount panics if the namespace is not valid for a guard.
func Mount(srv *socketio.Server, o Options) (*UI, error) {
	u, err := mount(srv, o)
	return &UI{u}, err
}

// Reload replaces Hash by that of o, and ignores the other options. Sessions of the former password end,
// and its admins are disconnected. An error says what is wrong with the hash; then nothing has changed.
// Any goroutine may call it.
func (u *UI) Reload(o Options) error { return u.ui.reload(o.Hash) }

func mount(srv *socketio.Server, o Options) (*ui, error) {
	if err := CheckHash(string(o.Hash)); err != nil {
		return nil, err
	}
	u := &ui{
		o: o, srv: srv, hub: srv.Hub(), login: newLogin(o.Username, o.Hash),
		census: watch(srv.Hub(), o.Namespace), started: time.Now(),
		admins: map[*socketio.Conn]*admin{},
	}
	n := srv.Of(o.Namespace)
	n.Guard(u.admit)
	n.OnConnect(u.connect)
	n.OnDisconnect(u.disconnect)
	u.handle(n)
	return u, nil
}

// connect tells an admin what the server can do, and starts its reports.
func (u *ui) connect(_ context.Context, c *socketio.Conn) error {
	entry, ok := c.Data().(*entry)
	if !ok { // the guard lets in nobody without one
		return errCredentials
	}
	a := newAdmin(u, c, entry)
	u.mu.Lock()
	full, former := len(u.admins) >= u.o.bounds.admins, entry.credential != u.login.credential.Load()
	if !full && !former {
		u.admins[c] = a
	}
	u.mu.Unlock()
	switch {
	case former: // it was replaced after the guard
		return errCredentials
	case full:
		return errTooManyAdmins
	}
	if entry.session != "" {
		_ = c.Tell("session", entry.session)
	}
	_ = c.Tell("config", configEvent{u.features()})
	go a.run()
	return nil
}

func (u *ui) disconnect(c *socketio.Conn, _ string) {
	u.mu.Lock()
	a := u.admins[c]
	delete(u.admins, c)
	u.mu.Unlock()
	if a != nil {
		close(a.left)
	}
}

func (u *ui) admin(c *socketio.Conn) *admin {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.admins[c]
}

type configEvent struct {
	Features []string `json:"supportedFeatures"`
}

// features are what the UI offers. It shows lists of sockets, rooms and clients with ALL_EVENTS, and
// takes the counts from server_stats with AGGREGATED_EVENTS.
func (u *ui) features() []string {
	shown := []string{"AGGREGATED_EVENTS", "ALL_EVENTS"}
	if u.o.ReadOnly {
		return shown
	}
	return append([]string{
		"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT",
	}, shown...)
}
