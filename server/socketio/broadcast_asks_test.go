package socketio

import (
	"errors"
	"fmt"
	"testing"

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
