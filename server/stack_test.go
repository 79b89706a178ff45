package server

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/sse"
)

// testStack is a Server on a listener, with streams and the API on the same Hub.
type testStack struct {
	*stackBase
	sio *Server
}

func newStack(t testing.TB, change func(*Options)) *testStack {
	t.Helper()
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hub: newTestHub(t), Auth: authenticator}
	if change != nil {
		change(&o)
	}
	sio, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	streams := sse.New(sse.Options{Hub: o.Hub, Auth: o.Auth, DefaultChannels: o.DefaultChannels, Problem: WriteProblem, Log: o.Log})
	routes := http.NewServeMux()
	routes.Handle("/socket.io/", sio)
	routes.Handle("/sse", streams.Stream(""))
	routes.Handle("/sse/{clientId}/channels", streams.Channels())
	routes.Handle("/v1/", newAPI(apiOptions{Hub: o.Hub, Keys: []string{testKey}}))
	base := serveHTTP(t, withRequestInfo(nil, routes))
	t.Cleanup(func() {
		ctx, cancel := withTimeout(t, 10*time.Second)
		defer cancel()
		if err := errors.Join(sio.Shutdown(ctx), streams.Shutdown(ctx)); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return &testStack{stackBase: &stackBase{t: t, hub: o.Hub, base: base}, sio: sio}
}
