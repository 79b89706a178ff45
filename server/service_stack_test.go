package server

import (
	"context"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/sse"
)

// serviceStack is the service with both transports on a real listener.
type serviceStack struct {
	*stackBase
	sio *Server
}

func newServiceStack(t testing.TB, change func(*Options), changeService ...func(*ServiceOptions)) *serviceStack {
	t.Helper()
	hub := newTestHub(t)
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hub: hub, Auth: authenticator}
	if change != nil {
		change(&o)
	}
	hub = o.Hub
	sio, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	so := ServiceOptions{Hub: hub, SocketIO: sio, APIKeys: []string{testKey}, Log: o.Log}
	streams := sse.Options{Hub: hub, Auth: o.Auth, DefaultChannels: o.DefaultChannels, Problem: WriteProblem, Log: o.Log}
	if counts, ok := o.Metrics.(*Metrics); ok {
		so.Metrics, streams.Written = counts, counts.WrittenBy("sse")
	}
	so.Streams = sse.New(streams)
	for _, change := range changeService {
		change(&so)
	}
	service := NewService(so)
	base := serveHTTP(t, service.Handler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := service.close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &serviceStack{stackBase: &stackBase{t: t, hub: hub, base: base}, sio: sio}
}
