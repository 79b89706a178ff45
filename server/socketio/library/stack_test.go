package library

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// testStack is a server with the library's API, streams and the API on the same Hub.
type testStack struct {
	*servertest.Stack
	sio *socketio.Server
	io  *socket.Server
	f   *facade
}

func newStack(t testing.TB, change func(*socketio.Options)) *testStack {
	t.Helper()
	return newStackBehind(t, func(h http.Handler) http.Handler { return h }, change)
}

// newStackBehind is newStack with a middleware in front of all routes.
func newStackBehind(
	t testing.TB, middleware func(http.Handler) http.Handler, change func(*socketio.Options),
) *testStack {
	t.Helper()
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := socketio.DefaultOptions()
	o.Heartbeat = 0 // a slow test would get one
	o.Hub, o.Auth = servertest.NewHub(t), authenticator
	if change != nil {
		change(&o)
	}
	sio, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	log := o.Log
	if log == nil {
		log = zap.NewNop()
	}
	f := newFacade(sio, log)
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Log, so.Problem = o.Hub, o.Auth, o.Log, edge.WriteProblem
	so.DefaultChannels, so.MaxRooms, so.RateInterval = o.DefaultChannels, o.MaxRooms, 0
	streams, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.Handle("/socket.io/", sio)
	routes.Handle("/sse", streams.Stream(""))
	routes.Handle("/v1/", api.New(api.Options{Hub: o.Hub, Keys: []string{servertest.Key}}))
	base := servertest.Serve(t, edge.WithInfo(nil,
		edge.WithBodyDeadline(edge.BodyTimeout, middleware(routes))))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := errors.Join(sio.Shutdown(ctx), streams.Shutdown(ctx)); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return &testStack{Stack: &servertest.Stack{T: t, Hub: o.Hub, Base: base}, sio: sio, io: f.io,
		f: f}
}

func withTokens(t testing.TB) func(*socketio.Options) {
	return func(o *socketio.Options) {
		a, err := auth.New(auth.Options{Mode: auth.ModeToken,
			Secret: auth.Secret(servertest.Secret)})
		if err != nil {
			t.Fatal(err)
		}
		o.Auth = a
	}
}
