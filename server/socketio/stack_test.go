package socketio

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/sse"
)

// testStack is a Server on a listener, with streams and the API on the same Hub.
type testStack struct {
	*servertest.Stack
	sio *Server
}

func newStack(t testing.TB, change func(*Options)) *testStack {
	t.Helper()
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Heartbeat = 0 // a slow test would get one
	o.Hub, o.Auth = servertest.NewHub(t), authenticator
	if change != nil {
		change(&o)
	}
	sio, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Log, so.Problem = o.Hub, o.Auth, o.Log, edge.WriteProblem
	so.DefaultChannels, so.MaxRooms, so.RateInterval = o.DefaultChannels, o.MaxRooms, 0
	so.Address = edge.ClientIP
	streams, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.Handle("/socket.io/", sio)
	routes.Handle("/sse", streams.Stream(""))
	routes.Handle("/sse/{clientId}/channels", streams.Channels())
	routes.Handle("/v1/", api.New(api.Options{Hub: o.Hub, Keys: []string{servertest.Key}}))
	base := servertest.Serve(t, edge.WithInfo(nil, edge.WithBodyDeadline(edge.BodyTimeout, routes)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := errors.Join(sio.Shutdown(ctx), streams.Shutdown(ctx)); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return &testStack{Stack: &servertest.Stack{T: t, Hub: o.Hub, Base: base}, sio: sio}
}
