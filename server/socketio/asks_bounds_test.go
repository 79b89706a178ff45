package socketio

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A client that reads and answers is asked as often and as much as Go code likes.
func TestAsksOfOneBurstAreAnswered(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	for _, c := range []struct{ asks, size int }{
		{2, 40 << 10}, {20, 4 << 10}, {200, 4 << 10}, {2000, 10}, {1, 3 << 20},
	} {
		client, connected := s.Connect(`{"userId":"u1"}`)
		conn := s.sio.To(connected.ClientID).Conns()[0]
		text := strings.Repeat("x", c.size)
		outcomes := make(chan outcome, c.asks)
		for range c.asks {
			if err := conn.AskFunc("question", func(a Answer, err error) {
				outcomes <- outcome{a, err}
			}, text); err != nil {
				t.Fatalf("%d of %d bytes: %v", c.asks, c.size, err)
			}
		}
		for i := range c.asks {
			client.Send(fmt.Sprintf("43%s[%d]", question(t, client, "question"), i))
		}
		for i := range c.asks {
			got := servertest.Receive(t, outcomes)
			if got.err != nil || string(got.answer.JSON(0)) != fmt.Sprint(i) {
				t.Fatalf("answer %d of %d: %+v", i, c.asks, got)
			}
		}
		client.Sync()
		client.Conn.Close()
	}
}

// The answers that wait for a handler are bounded in number and in bytes. The client stays connected:
// it answers as fast as it can, and the handler is not its own.
func TestAnswersThatWaitForAHandler(t *testing.T) {
	t.Parallel()
	const payload = 100_000
	s := newStack(t, func(o *Options) { o.MaxPayload = payload })
	stuck, release := make(chan *Conn, 1), make(chan struct{})
	s.sio.Of("/").On("stuck", func(_ context.Context, c *Conn, _ *Event) error {
		stuck <- c
		<-release
		return nil
	})
	client, _ := s.Connect(`{"userId":"u1"}`)
	client.Send(`42["stuck"]`)
	conn := servertest.Receive(t, stuck)
	outcomes := make(chan outcome, 2*maxAsks)
	ask := func() error {
		return conn.AskFunc("question", func(a Answer, err error) { outcomes <- outcome{a, err} })
	}
	waiting := func() (answers, unread int) {
		conn.client.mu.Lock()
		defer conn.client.mu.Unlock()
		return conn.client.answers, conn.client.unread
	}
	// large ones until the bytes are used up, then small ones until the number is
	large := strconv.Quote(strings.Repeat("x", payload/2))
	for i := range maxAsks {
		if err := ask(); err != nil {
			t.Fatalf("ask %d: %v", i, err)
		}
		answer := "1"
		if i < 4 {
			answer = large
		}
		client.Send("43" + question(t, client, "question") + "[" + answer + "]")
	}
	servertest.Eventually(t, "all answers wait", func() bool {
		answers, _ := waiting()
		return answers == maxAsks
	})
	if _, unread := waiting(); unread > 2*payload {
		t.Errorf("answers of %d bytes wait", unread)
	}
	if err := ask(); !errors.Is(err, ErrTooManyAsks) {
		t.Errorf("one more: %v", err)
	}
	close(release)
	for i := range maxAsks {
		got := servertest.Receive(t, outcomes)
		if dropped := errors.Is(got.err, ErrTooManyAnswers); dropped != (i >= 2) {
			t.Fatalf("answer %d: %v", i, got.err)
		}
	}
	client.Sync()
	if err := ask(); err != nil {
		t.Errorf("after the handler has returned: %v", err)
	}
	client.Send("43" + question(t, client, "question") + "[7]")
	if got := servertest.Receive(t, outcomes); got.err != nil || string(got.answer.JSON(0)) != "7" {
		t.Errorf("got %+v", got)
	}
}

// While a client does not read, its asker gets an error, and the client stays connected.
func TestAsksOfClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, l := s.deaf()
	conn := l.all()[0]
	text := strings.Repeat("x", 40<<10)
	sent := 0
	var err error
	for ; err == nil; sent++ {
		err = conn.AskFunc("question", func(Answer, error) {}, text)
	}
	if sent--; !errors.Is(err, ErrTooManyAsks) || sent != maxAskBytes/(len(text)+replyCost+30) {
		t.Errorf("%d asks, then %v", sent, err)
	}
	if _, err := conn.Ask(t.Context(), "question", text); !errors.Is(err, ErrTooManyAsks) {
		t.Errorf("Ask: %v", err)
	}
	if err := conn.Emit("news"); err != nil {
		t.Errorf("Emit: %v", err)
	}
	for got := 0; got < sent; {
		got += strings.Count(c.Get(), `["question"`)
	}
	if err := conn.AskFunc("question", func(Answer, error) {}, text); err != nil {
		t.Errorf("after the client has read: %v", err)
	}
}

// An ask that waits for its acknowledgement for a minute gives way to a new one, if there are too
// many. A younger one does not: its asker still waits.
func TestOldAskGivesWay(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	conn := s.sio.To().Conns()[0]
	type result struct {
		ask int
		err error
	}
	outcomes := make(chan result, maxAsks+2)
	ask := func(i int) error {
		return conn.AskFunc("question", func(_ Answer, err error) { outcomes <- result{i, err} }, i)
	}
	age := func(oldest time.Duration) { // of the first ask; the others are never too old
		conn.client.mu.Lock()
		defer conn.client.mu.Unlock()
		for i := range conn.asks {
			conn.asks[i].since = time.Now().Add(time.Hour)
		}
		conn.asks[0].since = time.Now().Add(-oldest)
	}
	ids := make([]string, maxAsks+2)
	for i := range maxAsks {
		if err := ask(i); err != nil {
			t.Fatal(err)
		}
		ids[i] = question(t, c, "question")
	}
	age(-time.Hour)
	if err := ask(maxAsks); !errors.Is(err, ErrTooManyAsks) {
		t.Fatalf("one more: %v", err)
	}
	age(askPatience)
	if err := ask(maxAsks + 1); err != nil {
		t.Fatalf("after a minute: %v", err)
	}
	if got := servertest.Receive(t, outcomes); got.ask != 0 || !errors.Is(got.err, ErrUnanswered) {
		t.Errorf("got %+v, want ErrUnanswered of 0", got)
	}
	if err := ask(maxAsks); !errors.Is(err, ErrTooManyAsks) {
		t.Fatalf("the next: %v", err)
	}
	c.Send("43" + ids[0] + "[]") // a late acknowledgement has no effect
	c.Send("43" + ids[1] + "[]") // an answer makes room
	if got := servertest.Receive(t, outcomes); got != (result{1, nil}) {
		t.Errorf("got %+v, want the answer of 1", got)
	}
	if err := ask(maxAsks); err != nil {
		t.Errorf("after an answer: %v", err)
	}
	if len(outcomes) > 0 {
		t.Errorf("called again: %+v", <-outcomes)
	}
}

// The asks of one client hold no more memory than they are charged, however small they are.
func TestAsksCostTheirMemory(t *testing.T) {
	s := newStack(t, nil)
	_, l := s.deaf()
	conn := l.all()[0]
	before := servertest.Heap()
	n := 0
	for conn.AskFunc("q", func(Answer, error) {}) == nil {
		n++
	}
	held := int(servertest.Heap() - before)
	l.mu.Lock()
	charged := l.replies.askBytes
	l.mu.Unlock()
	if held > charged*2 && !raceEnabled || held > 2*maxAskBytes {
		t.Errorf("%d asks hold %d KiB and are charged %d KiB", n, held>>10, charged>>10)
	}
	conn.abandonAsks()
	l.mu.Lock() // the client is closed, and its end abandons the asks too
	defer l.mu.Unlock()
	if conn.asks != nil {
		t.Error("the client still holds asks")
	}
}

// A broadcast asks the clients that it can, and counts the others.
func TestBroadcastAskCountsClientsThatItCannotAsk(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_, l := s.deaf()
	deaf := l.all()[0]
	for deaf.AskFunc("question", func(Answer, error) {}, strings.Repeat("x", 40<<10)) == nil {
	}
	c, connected := s.Connect(`{"userId":"u1"}`)
	type outcomes struct {
		answers []Answer
		err     error
	}
	done := make(chan outcomes, 1)
	go func() {
		answers, err := s.sio.To().Ask(t.Context(), "question", strings.Repeat("y", 40<<10))
		done <- outcomes{answers, err}
	}()
	c.Send("43" + question(t, c, "question") + `["here"]`)
	got := servertest.Receive(t, done)
	var unasked *UnaskedError
	if !errors.As(got.err, &unasked) || unasked.Clients != 1 ||
		!errors.Is(got.err, ErrTooManyAsks) || errors.Is(got.err, ErrClosed) {
		t.Errorf("%v", got.err)
	}
	if len(got.answers) != 1 || got.answers[0].ClientID != connected.ClientID {
		t.Errorf("%+v", got.answers)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.sio.To().Ask(ctx, "question", strings.Repeat("y", 40<<10))
	if !errors.Is(err, context.Canceled) || !errors.As(err, &unasked) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// A client for which much waits still gets its DISCONNECT: without it, it would reconnect.
func TestDisconnectFollowsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.sio.Of("/").On("x", func(_ context.Context, _ *Conn, e *Event) error {
		e.Ack(strings.Repeat("x", 100<<10))
		return nil
	})
	c, l := s.deaf()
	conn := l.all()[0]
	for range 10 {
		if err := conn.AskFunc("q", func(Answer, error) {}, strings.Repeat("x", 40<<10)); err != nil {
			t.Fatal(err)
		}
	}
	c.Post(`421["x"]`)
	servertest.Eventually(t, "the answer waits", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.replies.bytes > 100<<10
	})
	conn.Close()
	var all strings.Builder
	for !strings.HasSuffix(all.String(), "\x1e41") {
		all.WriteString("\x1e" + c.Get())
	}
	answered := strings.Contains(all.String(), `431["xx`)
	if n := strings.Count(all.String(), `["q"`); n != 10 || !answered {
		t.Errorf("%d asks before the DISCONNECT", n)
	}
}
