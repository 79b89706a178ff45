package proof

import (
	"context"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/client"
)

// server is the binary, which is stopped and started again with the same directory.
type server struct {
	t       testing.TB
	command process.Command
	running *process.Process
	address atomic.Value   // host:port
	proxies []*chaos.Proxy // in front of it, for those who need one address
}

// start starts a server with settings; directory "" is without DATA_DIR.
func start(t testing.TB, binary, directory string, settings ...string) *server {
	t.Helper()
	s := &server{t: t, command: process.Command{Args: []string{binary}, Core: process.AnyCore,
		Env: slices.Concat([]string{"HOST=127.0.0.1", "PORT=" + process.Port, "ADMIN_ADDR=off",
			"LOG_LEVEL=error", "AUTH_MODE=open", "API_KEYS=" + servertest.Key, "PUBLISH_RATE=0",
			"MAX_CONNECTIONS=20000", "SSE_MAX_CONNECTIONS=20000", "DATA_DIR=" + directory}, settings)}}
	s.again()
	t.Cleanup(func() { s.running.Stop() })
	return s
}

// again starts the next process.
func (s *server) again() {
	s.t.Helper()
	running, err := process.Start(context.Background(), s.command)
	check(s.t, err)
	s.running = running
	s.address.Store(running.Addr)
	for _, p := range s.proxies {
		p.Target(running.Addr)
	}
}

// terminate is a SIGTERM. It returns when the process has ended.
func (s *server) terminate() {
	s.t.Helper()
	check(s.t, syscall.Kill(s.running.Pid(), syscall.SIGTERM))
	for syscall.Kill(s.running.Pid(), 0) == nil {
		time.Sleep(5 * time.Millisecond)
	}
	s.running.Stop()
}

func (s *server) proxy() *chaos.Proxy {
	p := chaos.New(s.t, s.running.Addr, 1)
	s.proxies = append(s.proxies, p)
	return p
}

// publisher publishes one notification every so often.
func (s *server) publisher(c *crowd, name string, every time.Duration, size int) *client.Publisher {
	return client.NewPublisher(s.t, client.PublisherOptions{Base: s.proxy().Addr,
		Key: servertest.Key, Name: name, Channel: channel, Every: every, Size: size}, c.book)
}

func (s *server) resident() float64 {
	bytes, err := s.running.Resident()
	check(s.t, err)
	return float64(bytes) / (1 << 20)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
