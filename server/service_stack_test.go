package server

import (
	"context"
	"net"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// serviceStack is a Service with both transports and a listener.
type serviceStack struct {
	*servertest.Stack
	sio     *socketio.Server
	service *Service
}

// newServiceStack starts a service in open mode. change changes the options of Socket.IO, and
// changeService those of the service.
func newServiceStack(
	t testing.TB, change func(*socketio.Options), changeService ...func(*Options),
) *serviceStack {
	t.Helper()
	hub := servertest.NewHub(t)
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	o := socketio.DefaultOptions()
	o.Hub, o.Auth = hub, authenticator
	if change != nil {
		change(&o)
	}
	hub = o.Hub
	sio, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	so := DefaultOptions()
	so.Hub, so.SocketIO, so.APIKeys, so.Log = hub, sio, []string{servertest.Key}, o.Log
	streams := sse.DefaultOptions()
	streams.Hub, streams.Auth, streams.Log, streams.Problem = hub, o.Auth, o.Log, edge.WriteProblem
	streams.DefaultChannels, streams.MaxRooms = o.DefaultChannels, o.MaxRooms
	if counts, ok := o.Metrics.(*metrics.Metrics); ok {
		so.Metrics, streams.Written = counts, counts.WrittenBy("sse")
	}
	if limits, ok := o.Limits.(*limit.Limiter); ok {
		streams.Admit = StreamAdmission(limits)
	}
	for _, change := range changeService {
		change(&so)
	}
	if so.Forward != nil {
		streams.Tag = so.Forward.Tag
	}
	if so.Streams, err = sse.New(streams); err != nil {
		t.Fatal(err)
	}
	service := New(so)
	base := servertest.Serve(t, service.Handler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := service.close(ctx, pace{}); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &serviceStack{Stack: &servertest.Stack{T: t, Hub: hub, Base: base}, sio: sio, service: service}
}

// listening runs Serve until the test ends, and returns the address of the listener.
func listening(t *testing.T, s *Service) (at string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { address <- a }) }()
	select {
	case a := <-address:
		at = a.String()
	case err := <-ended:
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return at
}
