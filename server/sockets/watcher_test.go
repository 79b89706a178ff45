//go:build linux

package sockets

import (
	"io"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func receive(t *testing.T, events <-chan string, want string) {
	t.Helper()
	select {
	case got := <-events:
		if got != want {
			t.Fatalf("%q is ready, want %q", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%q is not ready", want)
	}
}

// Each Watch reports one event: new bytes, bytes that have already arrived, or the end.
func TestWatcher(t *testing.T) {
	events := make(chan string, 10)
	w := NewWatcher(func(name string) { events <- name })
	server, client := pair(t)
	fd := Descriptor(server)
	if !w.Watch(fd, "a") {
		t.Fatal("cannot watch")
	}
	_, _ = client.Write([]byte("xy"))
	receive(t, events, "a")
	if !w.Watch(fd, "a") {
		t.Fatal("cannot watch again")
	}
	receive(t, events, "a") // nothing was read

	var got [8]byte
	w.Look(fd, "a", func() bool {
		if n, err := Read(fd, got[:]); n != 2 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		if n, err := Read(fd, got[:]); n != 0 || err != nil {
			t.Errorf("then read %d, %v", n, err)
		}
		return true
	})
	_ = client.Close()
	receive(t, events, "a")
	if _, err := Read(fd, got[:]); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	w.Forget(fd, "a")
	w.Look(fd, "a", func() bool {
		t.Error("Look called f for a forgotten connection")
		return false
	})
	if w.epoll != nil {
		t.Error("the epoll is open although nothing is watched")
	}
}

// When more sockets can be read than the Watcher reports at once, it reports all of them, each once.
func TestWatcherReportsAllOfMany(t *testing.T) {
	const many = 2*readyAtOnce + 10
	events := make(chan string, 2*many)
	w := NewWatcher(func(name string) { events <- name })
	left := make(map[string]bool)
	for i := range many {
		server, client := pair(t)
		name, fd := strconv.Itoa(i), Descriptor(server)
		left[name] = true
		_, _ = client.Write([]byte("x"))
		w.Watch(fd, name)
		defer w.Forget(fd, name)
	}
	for len(left) > 0 {
		select {
		case name := <-events:
			if !left[name] {
				t.Fatalf("%s is ready twice", name)
			}
			delete(left, name)
		case <-time.After(30 * time.Second):
			t.Fatalf("%d are not ready", len(left))
		}
	}
}

// A reused descriptor belongs to its new connection.
func TestWatcherUsesDescriptorsAgain(t *testing.T) {
	events := make(chan string, 10)
	w := NewWatcher(func(name string) { events <- name })
	first, _ := pair(t)
	fd := Descriptor(first)
	w.Watch(fd, "first")
	w.Forget(fd, "first")
	w.Watch(fd, "second")
	w.Forget(fd, "first") // too late
	_ = first.Close()
	w.Forget(fd, "second")
	if w.count != 0 || w.epoll != nil {
		t.Errorf("%d connections are left", w.count)
	}
	if w.Watch(-1, "none") {
		t.Error("watches a connection without a descriptor")
	}
}
