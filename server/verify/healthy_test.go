package verify

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// The server itself and a right proxy in front of it have no fault, in every mode, with a key and
// without one.
func TestHealthy(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]func(*setup){"open": func(*setup) {}, "token": tokenMode} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, mode)
			proxied := servertest.Serve(t, newProxy(t, server))
			for _, address := range []string{server, proxied} {
				o := testOptions(address)
				o.Idle = 100 * time.Millisecond
				report := check(t, o)
				for _, c := range report.Counts {
					if c.Published != 3*batch || c.Received != 3*batch || c.Lost+c.Doubled+c.Reordered != 0 ||
						c.Reconnects != 1 {
						t.Errorf("%+v", c)
					}
				}
				if len(report.Counts) != len(transports) {
					t.Errorf("%+v", report.Counts)
				}
			}
		})
	}
}

// Without a key, clients publish if the server lets them; else the report says what to give.
func TestWithoutKey(t *testing.T) {
	t.Parallel()
	o := testOptions(startServer(t))
	o.Key = ""
	if report := check(t, o); len(report.Counts) != 3 || report.Counts[0].Received != 3*batch {
		t.Errorf("%+v", report)
	}
	o = testOptions(startServer(t, tokenMode))
	o.Key = ""
	said := 0
	for _, r := range check(t, o).Results {
		if r.State == Skipped && strings.Contains(r.Detail, "--key-file") {
			said++
		}
	}
	if said == 0 {
		t.Error("the report does not say that a key is missing")
	}
}

// The errors of a run that cannot begin.
func TestCannotRun(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := closed.Addr().String()
	_ = closed.Close()
	wrongKey := testOptions(startServer(t))
	wrongKey.Key = strings.Repeat("x", 40)
	other := testOptions(servertest.Serve(t, intercepted(404)))
	redirects := testOptions(servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://user:secret@push.example"+r.URL.Path+"?ticket=secret", http.StatusMovedPermanently)
	})))
	for want, o := range map[string]Options{
		"/sse/position was answered 301 Moved Permanently, a redirect to https://push.example/sse/position; " +
			"redirects are not followed, so give the URL to which it leads": redirects,
		"no answer from http://" + away: testOptions(away),
		errKey.Error():                  wrongKey,
		errNothing.Error():              other,
		"verify: Options.Base":          {},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
		defer cancel()
		report, err := Run(ctx, o)
		if err == nil || !strings.Contains(err.Error(), want) || report.OK {
			t.Errorf("%v, want %s", err, want)
		}
		if errors.Is(err, errKey) && strings.Contains(err.Error(), wrongKey.Key) {
			t.Errorf("the error has the key")
		}
	}
}

// When the time is over, the report has what was found and is not complete. What could not be
// looked at any more is no fault.
func TestTimeIsOver(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for _, last := range []string{"key", "http", "sizes", webSocket, eventSource, "sticky", "delay",
		"delivery", "idle"} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			o := testOptions(server)
			o.Idle = servertest.Patience
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var timer *time.Timer
			o.Begin = func(check string) {
				if check == last { // within the check, or after it
					timer = time.AfterFunc(time.Duration(rand.IntN(20))*time.Millisecond, cancel)
				}
			}
			report, err := Run(ctx, o)
			timer.Stop()
			if err != nil || report.Complete || report.OK || len(report.Results) == 0 ||
				report.Faults > 0 {
				t.Errorf("%+v %v", report, err)
			}
		})
	}
}

// A key that covers other channels does not publish; a client does.
func TestLimitedKey(t *testing.T) {
	t.Parallel()
	o := testOptions(startServer(t, func(s *setup) {
		s.service.APIKeys = []string{servertest.Key + ":channel:orders"}
	}))
	if report := check(t, o); len(report.Counts) != 3 || report.Counts[0].Received != 3*batch {
		t.Errorf("%+v", report)
	}
}

// The report has no secrets, whatever the server answers.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	o := testOptions(startServer(t, tokenMode))
	o.Token = servertest.TokenFor(t, time.Now().Add(time.Hour), "orders")
	signature := o.Token[strings.LastIndexByte(o.Token, '.')+1:]
	for _, r := range check(t, o).Results {
		if strings.Contains(r.Detail, o.Key) || strings.Contains(r.Detail, signature) {
			t.Errorf("%+v", r)
		}
	}
}

// The server may be below a path of the proxy, which the URL then has.
func TestBelowAPath(t *testing.T) {
	t.Parallel()
	o := testOptions(servertest.Serve(t, http.StripPrefix("/push", newProxy(t, startServer(t)))))
	o.Base.Path = "/push"
	check(t, o)
}
