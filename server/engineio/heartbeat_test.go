package engineio

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newRequest(method, url, body string) *http.Request {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if body == "" {
		r.Body = io.NopCloser(strings.NewReader(""))
	}
	return r
}

// clock is a polling session without sockets, in a synctest bubble.
type clock struct {
	t     *testing.T
	s     *Server
	p     *peer
	url   string
	start time.Time
}

func inBubble(t *testing.T, o Options, f func(*clock)) {
	synctest.Test(t, func(t *testing.T) {
		c := &clock{t: t, start: time.Now()}
		o.Accept = func(s *Session) (Handler, error) {
			c.p = &peer{
				Session: s, in: make(chan message, 100), closed: make(chan string, 2),
				block: make(chan struct{}, 100),
			}
			return c.p, nil
		}
		c.s = New(o)
		c.url = "/?EIO=4&transport=polling"
		c.request("GET", "")
		c.url += "&sid=" + c.p.ID()
		f(c)
		c.p.end(ending{reason: "test"})
		synctest.Wait()
	})
}

// request returns the body, and the status if it is not 200.
func (c *clock) request(method, body string) string {
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, newRequest(method, c.url, body))
	if w.Code != 200 {
		return http.StatusText(w.Code)
	}
	return w.Body.String()
}

func (c *clock) expect(got, want string, at time.Duration) {
	c.t.Helper()
	if now := time.Since(c.start); got != want || now != at {
		c.t.Fatalf("%q after %v, want %q after %v", got, now, want, at)
	}
}

const second = time.Second

func TestPingsDoNotDrift(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		for i := range 10 {
			c.expect(c.request("GET", ""), "2", time.Duration(i+1)*25*second)
			time.Sleep(time.Duration(i) * 2 * second) // a slow network
			c.expect(c.request("POST", "3"), "ok",
				time.Duration(i+1)*25*second+time.Duration(i)*2*second)
		}
	})
}

func TestPingTimeout(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(c.request("GET", ""), "2", 25*second)
		time.Sleep(40 * second)
		c.expect(c.request("GET", ""), "1", 85*second)
		c.expect(<-c.p.closed, ReasonPingTimeout, 85*second)
		c.expect(c.request("GET", ""), "Bad Request", 85*second)
	})
}

func TestPingTimeoutWithoutAGET(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(<-c.p.closed, ReasonPingTimeout, 85*second)
	})
}

func TestStrayPongsAreIgnored(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		for range 10 {
			c.expect(c.request("POST", "3\x1e3\x1e6"), "ok", time.Since(c.start))
			time.Sleep(2 * second)
		}
		c.expect(c.request("GET", ""), "2", 25*second)
		c.expect(c.request("POST", "3\x1e3"), "ok", 25*second)
		c.expect(c.request("GET", ""), "2", 50*second)
		c.expect(<-c.p.closed, ReasonPingTimeout, 110*second)
	})
}

func TestHeldGETEndsBeforeThePingTimeout(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(c.request("GET", ""), "2", 25*second)
		time.AfterFunc(59*second, func() { c.request("POST", "3") })
		// No ping is sent while a pong is outstanding, but the GET is answered with NOOP in time.
		c.expect(c.request("GET", ""), "6", (25+25+30)*second)
		c.expect(c.request("GET", ""), "2", 100*second)
	})
}

func TestTimeInTheHandlerDoesNotCountAsPingTimeout(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(c.request("GET", ""), "2", 25*second)
		posted := make(chan string)
		go func() { posted <- c.request("POST", "4a\x1e3") }()
		time.Sleep(90 * second) // the handler has "a", the pong is behind it
		c.p.block <- struct{}{}
		c.expect(<-posted, "ok", 115*second)
		c.p.expect(t, "a")
		c.expect(c.request("GET", ""), "2", 125*second)
	})
}

// While a POST is in progress, a client of polling cannot send the pong.
func TestTimeInAPOSTDoesNotCountAsPingTimeout(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(c.request("GET", ""), "2", 25*second)
		c.p.mu.Lock()
		c.p.posting = make(chan struct{}) // between two of its messages
		c.p.mu.Unlock()
		time.Sleep(90 * second)
		if c.p.Closed() {
			t.Fatal("closed")
		}
		c.p.mu.Lock()
		c.p.posting = nil
		c.p.mu.Unlock()
		time.Sleep(60 * second)
		c.p.expectClosed(t, ReasonPingTimeout)
	})
}

func TestRequestClosesAnOverdueSession(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.expect(c.request("GET", ""), "2", 25*second)
		c.p.timer.Stop() // as if the process were too busy to run the timer
		time.Sleep(60 * second)
		c.expect(c.request("GET", ""), "Bad Request", 85*second)
		c.expect(<-c.p.closed, ReasonPingTimeout, 85*second)
	})
}

func TestClosingIsBounded(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.p.Session.Close("bye")
		c.expect(<-c.p.closed, "bye", second)
	})
}

func TestPingsAfterAPauseOfTheProcess(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.p.mu.Lock()
		c.p.timer.Reset(60 * second) // as after a sleep of the machine
		c.p.mu.Unlock()
		c.expect(c.request("GET", ""), "6", 55*second)
		c.expect(c.request("GET", ""), "2", 60*second)
		time.Sleep(59 * second) // a pause of the process: the client has its full time
		c.expect(c.request("POST", "3"), "ok", 119*second)
		c.expect(c.request("GET", ""), "2", 125*second)
	})
}

func TestPingDeadlineDoesNotDriftWithItsTimer(t *testing.T) {
	inBubble(t, Options{}, func(c *clock) {
		c.p.mu.Lock()
		c.p.timer.Reset(26 * second) // a busy process
		c.p.mu.Unlock()
		c.expect(c.request("GET", ""), "2", 26*second)
		c.expect(<-c.p.closed, ReasonPingTimeout, 85*second)
	})
}

func TestWebSocketHeartbeat(t *testing.T) {
	f := serve(t, Options{PingInterval: 30 * time.Millisecond, PingTimeout: 100 * time.Millisecond})
	ws, p := f.connect()
	for range 3 {
		ws.expect("2")
		ws.send("3")
	}
	ws.expectClose(closeNormal)
	p.expectClosed(t, ReasonPingTimeout)
}
