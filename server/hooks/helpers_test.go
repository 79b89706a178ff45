package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

const testSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

// received is a request as the handler of a test gets it, after its signature was verified.
type received struct {
	gone <-chan struct{} // closed when the server waits no longer

	Type, ID, Timestamp string
	Data                struct {
		Connection struct {
			ID, Namespace, UserID, Username, Transport string
			Rooms                                      []string
			Data                                       json.RawMessage
		}
		Handshake struct {
			Auth, Query, Headers json.RawMessage
			Address              string
		}
		Recovered bool
		Reason    string

		Event    string
		Args     json.RawMessage
		WantsAck bool

		Namespace, IP, Transport string // of connect
		Auth, Query              json.RawMessage
		Headers                  map[string]string

		Events []received // of a batch
	}
}

// application is a handler of events, and how often which outcome was counted.
type application struct {
	t    testing.TB
	Base string

	mu       sync.Mutex
	answer   func(w http.ResponseWriter, r received)
	outcomes map[string]int
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	verifier, _ := standardwebhooks.NewWebhook(testSecret)
	var request received
	if err := verifier.Verify(body, r.Header); err != nil {
		a.t.Errorf("signature: %v", err)
	}
	if err := json.Unmarshal(body, &request); err != nil || request.ID != r.Header.Get("webhook-id") {
		a.t.Errorf("%s: %v", body, err)
	}
	request.gone = r.Context().Done()
	a.mu.Lock()
	answer := a.answer
	a.mu.Unlock()
	if request.Type != "events" {
		answer(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	_ = http.NewResponseController(w).Flush()
	lines := make(chan string)
	for _, event := range request.Data.Events {
		event.gone = request.gone
		go func() {
			one := httptest.NewRecorder()
			answer(one, event)
			text := one.Body.String()
			if text == "" {
				text = "null"
			}
			lines <- fmt.Sprintf(`{"id":%q,"answer":%s}`, event.ID, text)
		}()
	}
	for range request.Data.Events {
		fmt.Fprintln(w, <-lines)
		_ = http.NewResponseController(w).Flush()
	}
}

func (a *application) answers(f func(w http.ResponseWriter, r received)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

func (a *application) says(text string) {
	a.answers(func(w http.ResponseWriter, _ received) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
}

func (a *application) Hooked(hook, outcome string, _ time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcomes[hook+" "+outcome]++
}

func (a *application) counted(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.outcomes[what]
}

// stack is a Socket.IO server whose clients' events go to an application.
type stack struct {
	*servertest.Stack
	app  *application
	sio  *socketio.Server
	logs *observer.ObservedLogs
	hook *ConnectHook // nil without one

	hooks *Hooks

	tickets *auth.Tickets
}

// newConnectStack returns a stack whose application also says who its clients are.
func newConnectStack(t testing.TB, change func(*Options)) *stack {
	return newStack(t, func(o *Options) {
		o.Connects.URL = o.Events.URLs["/"] + "/connect"
		if change != nil {
			change(o)
		}
	})
}

// ticket returns a ticket of a backend for u1, about which the hook is not asked.
func (s *stack) ticket() string {
	s.T.Helper()
	ticket, _, err := s.tickets.Issue("u1", "", nil, 0)
	if err != nil {
		s.T.Fatal(err)
	}
	return ticket
}

func newStack(t testing.TB, change func(*Options)) *stack {
	t.Helper()
	app := &application{t: t, outcomes: map[string]int{}}
	app.Base = "http://" + servertest.Serve(t, app)
	core, logs := observer.New(zap.WarnLevel)
	o := DefaultOptions()
	o.Secrets = []auth.Secret{auth.Secret("another secret, which nobody checks"), auth.Secret(testSecret)}
	o.AllowPrivate, o.Metrics, o.Log = true, app, zap.New(core)
	o.Events.URLs = map[string]string{"/": app.Base, "/chat": app.Base + "/chat"}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	so := socketio.DefaultOptions()
	so.Hub = servertest.NewHub(t)
	users, limits := auth.Options{Mode: auth.ModeOpen}, limit.Options{AuthFailures: 10}
	var connect *ConnectHook
	if o.Connects.URL != "" {
		connect = h.ConnectHook()
		users.Mode, users.Hook, users.Tickets = auth.ModeHook, connect, auth.NewTickets(nil)
		limits.AskHook = true
	}
	if so.Auth, err = auth.New(users); err != nil {
		t.Fatal(err)
	}
	limiter := limit.New(limits)
	so.Limits, so.SweepInterval = limiter, 20*time.Millisecond
	sio, err := socketio.New(so)
	if err != nil {
		t.Fatal(err)
	}
	hook := h.EventHook(so.Hub)
	sio.Mount(hook, hook.Serves)
	streams := newStreams(t, so.Hub, limit.StreamAuth(so.Auth, limiter), users.Tickets)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sio)
	mux.Handle("/sse", streams.Stream(""))
	mux.Handle("/sse/tickets", streams.Tickets())
	base := servertest.Serve(t, edge.WithInfo(nil, mux))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := sio.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return &stack{&servertest.Stack{T: t, Hub: so.Hub, Base: base}, app, sio, logs, connect,
		h, users.Tickets}
}

func newStreams(
	t testing.TB, hub *notify.Hub, users sse.Authenticator, tickets *auth.Tickets,
) *sse.Handler {
	t.Helper()
	o := sse.DefaultOptions()
	o.Hub, o.Auth, o.Problem, o.Tickets = hub, users, edge.WriteProblem, tickets
	o.Heartbeat = 20 * time.Millisecond
	streams, err := sse.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := streams.Shutdown(ctx); err != nil {
			t.Errorf("shutdown of streams: %v", err)
		}
	})
	return streams
}
