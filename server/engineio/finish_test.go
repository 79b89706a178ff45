package engineio

import (
	"fmt"
	"testing"
)

// lastMoment is a Source to which one more message arrives just before each call of Finish, as a
// publish does that counts the session as a receiver. The first call returns false.
type lastMoment struct {
	*queue
	finished int
}

func (l *lastMoment) Finish() (done bool) {
	l.finished++
	l.put(NewFrame(fmt.Appendf(nil, "last moment %d", l.finished)))
	return l.finished > 1
}

// A session that closes gets everything that its source has taken, and Finish is called until it
// has returned true, each time after the rest. A session whose connection is lost gets nothing
// more, so Finish is not called.
func TestFinish(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	src := &lastMoment{queue: newQueue(p.Session)}
	src.put(NewFrame([]byte("before")))
	p.SetSource(src)
	ws.expect("4before")
	p.Session.Close(ReasonShutdown)
	ws.expect("4last moment 1")
	ws.expect("4last moment 2")
	ws.expectClose(closeGoingAway)
	p.expectClosed(t, ReasonShutdown)
	if src.finished != 2 {
		t.Errorf("Finish was called %d times", src.finished)
	}

	query, polling := f.open()
	src = &lastMoment{queue: newQueue(polling.Session)}
	polling.SetSource(src)
	waiting := f.getSoon(query)
	f.waiting(polling)
	polling.Session.Close(ReasonShutdown)
	f.expect(<-waiting, 200, "4last moment 1")
	f.expect(f.get(query), 200, "4last moment 2")
	f.expect(f.get(query), 200, "1")
	polling.expectClosed(t, ReasonShutdown)
	if src.finished != 2 {
		t.Errorf("polling: Finish was called %d times", src.finished)
	}

	_, lost := f.open()
	src = &lastMoment{queue: newQueue(lost.Session)}
	lost.SetSource(src)
	lost.Abort(ReasonForcedClose)
	lost.expectClosed(t, ReasonForcedClose)
	if src.finished != 0 {
		t.Errorf("without a connection: Finish was called %d times", src.finished)
	}
}
