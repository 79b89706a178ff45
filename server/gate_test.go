package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/server/limit"
)

// What a client shows in its request decides whether it passes before newcomers, and the log has
// one line for a storm.
func TestGateKnowsResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testGateKnowsResumes) // no token comes back meanwhile
}

func testGateKnowsResumes(t *testing.T) {
	observed, lines := observer.New(zap.WarnLevel)
	gate := limit.NewGate(100, func(time.Time) bool { return true })
	enter := Gate(gate, zap.New(observed))
	request := func(target, lastEventID string) *http.Request {
		r := httptest.NewRequest("GET", target, nil)
		if lastEventID != "" {
			r.Header.Set("Last-Event-ID", lastEventID)
		}
		return r
	}
	for enter(request("/sse", "")) == nil { // until a quarter is left
	}
	const socket = "/socket.io/?EIO=4&transport=websocket"
	for name, c := range map[string]struct {
		r       *http.Request
		resumes bool
	}{
		"a new stream":         {request("/sse?userId=u", ""), false},
		"a new socket":         {request(socket, ""), false},
		"Last-Event-ID":        {request("/sse?userId=u", "0000abcd-7"), true},
		"lastEventId":          {request("/sse?lastEventId=0000abcd-7", ""), true},
		"since":                {request(socket+"&since=0000abcd-7", ""), true},
		"the session of a tab": {request("/sse?sessionId=tab", ""), true},
		"pid":                  {request(socket+"&pid=abc", ""), true},
		"offset":               {request(socket+"&offset=0000abcd-7", ""), true},
	} {
		err := enter(c.r)
		var busy *limit.BusyError
		if (err == nil) != c.resumes || err != nil && !errors.As(err, &busy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := lines.Len(); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
}
