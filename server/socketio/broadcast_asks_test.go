package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// A broadcast Ask waits for the clients that answer, even when other clients disconnect.
func TestBroadcastAskIgnoresDisconnectedClients(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	left := make(chan struct{})
	s.sio.Of("/").OnDisconnect(func(*Conn, string) { close(left) })
	remaining, _ := s.Connect(`{"userId":"u1"}`)
	leaves, _ := s.Connect(`{"userId":"u2"}`)
	type outcome struct {
		answers []Answer
		err     error
	}
	outcomes := make(chan outcome, 1)
	go func() {
		answers, err := s.sio.To().Ask(t.Context(), "question")
		outcomes <- outcome{answers, err}
	}()
	id := question(t, remaining, "question")
	question(t, leaves, "question")
	leaves.Conn.Close()
	servertest.Receive(t, left)
	remaining.Send("43" + id + `["here"]`)
	got := servertest.Receive(t, outcomes)
	if len(got.answers) != 1 || string(got.answers[0].JSON(0)) != `"here"` ||
		!errors.Is(got.err, ErrClosed) {
		t.Errorf("%+v, %v", got.answers, got.err)
	}
}

// A client that disconnects between the selection of the clients and the question does not affect
// the others.
func TestBroadcastAskSkipsDisconnectedClient(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	remaining, _ := s.Connect(`{"userId":"u1"}`)
	_, gone := s.Connect(`{"userId":"u2"}`)
	for _, c := range s.sio.To().Conns() {
		if c.ID() == gone.ClientID {
			c.endFor(ReasonServerClosed) // its member is still in the Hub
		}
	}
	outcomes := make(chan outcome, 1)
	go func() {
		answers, err := s.sio.To().Ask(t.Context(), "question")
		if len(answers) == 1 {
			outcomes <- outcome{answers[0], err}
			return
		}
		outcomes <- outcome{err: fmt.Errorf("%d answers, %w", len(answers), err)}
	}()
	remaining.Send("43" + question(t, remaining, "question") + `["here"]`)
	got := servertest.Receive(t, outcomes)
	if !errors.Is(got.err, ErrClosed) || got.answer.Len() != 1 {
		t.Errorf("%+v, %v", got.answer, got.err)
	}
}

// The Hub learns of an emission that no client has acknowledged, and of none that one has.
func TestUnacknowledgedEmissions(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	reports := make(chan notify.Undelivered, 10)
	s.Hub.OnUndelivered(func(u notify.Undelivered) { reports <- u })
	c, _ := s.Connect(`{"userId":"u1"}`)
	ask := func(ctx context.Context, room string) error {
		_, _, err := s.sio.AskAll(ctx, notify.Emission{Room: room, Event: "q", Args: []byte(`[1]`)})
		return err
	}
	answered := make(chan error, 1)
	go func() { answered <- ask(t.Context(), "user:u1") }()
	c.Send("43" + question(t, c, "q") + `[]`)
	if err := servertest.Receive(t, answered); err != nil {
		t.Error(err)
	}
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_ = ask(late, "user:u1")
	u := servertest.Receive(t, reports)
	if u.Asked != 1 || !slices.Equal(u.Rooms, []string{"user:u1"}) || u.Message.Type != "q" ||
		string(u.Message.Args) != "[1]" || !u.Message.ID.IsZero() {
		t.Errorf("unacknowledged %+v", u)
	}
	_ = ask(t.Context(), "user:u2")
	u = servertest.Receive(t, reports)
	if u.Asked != 0 || !slices.Equal(u.Rooms, []string{"user:u2"}) {
		t.Errorf("nobody to ask %+v", u)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_ = ask(gone, "user:u1") // its backend no longer waits, so nobody knows
	if len(reports) > 0 {
		t.Errorf("further reports %+v", <-reports)
	}
}
