package engineio

import "testing"

// lastMoment is a Source to which one more message arrives just before Finish, as a publish does
// that counts the session as a receiver.
type lastMoment struct {
	*queue
	finished int
}

func (l *lastMoment) Finish() {
	l.put(NewFrame([]byte("in the last moment")))
	l.finished++
}

// A session that closes gets everything that its source has taken, and Finish is called once, after
// the rest. A session whose connection is lost gets nothing more, so Finish is not called.
func TestFinish(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	src := &lastMoment{queue: newQueue(p.Session)}
	src.put(NewFrame([]byte("before")))
	p.SetSource(src)
	ws.expect("4before")
	p.Session.Close(ReasonShutdown)
	ws.expect("4in the last moment")
	ws.expectClose(closeGoingAway)
	p.expectClosed(t, ReasonShutdown)
	if src.finished != 1 {
		t.Errorf("Finish was called %d times", src.finished)
	}

	query, polling := f.open()
	src = &lastMoment{queue: newQueue(polling.Session)}
	polling.SetSource(src)
	waiting := f.getSoon(query)
	f.waiting(polling)
	polling.Session.Close(ReasonShutdown)
	f.expect(<-waiting, 200, "4in the last moment")
	f.expect(f.get(query), 200, "1")
	polling.expectClosed(t, ReasonShutdown)
	if src.finished != 1 {
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
