// Package hooks asks the application behind the server over HTTP who its clients are, and what to do
// with their events, and tells it what happens. It is the only package that sends requests to
// addresses of the operator's choice. Every request is signed as Standard Webhooks describes.
package hooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// Options configure Hooks. Start from DefaultOptions.
type Options struct {
	// Secrets sign every request, each with its own signature, so that a receiver accepts the old
	// or the new one while one is replaced. A secret is "whsec_" and base64, or any other text of
	// at least 24 bytes.
	Secrets []auth.Secret

	// AllowPrivate allows requests to loopback and private networks. Link-local and metadata
	// addresses are never allowed.
	AllowPrivate bool

	Events   Events
	Connects Connects
	Webhooks WebhookOptions

	Metrics Metrics     // nil: nothing is counted
	Tracer  Tracer      // nil: nothing is traced
	Log     *zap.Logger // nil: nothing is logged
	Now     func() time.Time

	transport http.RoundTripper // of tests; nil: the network
}

// Events configure the event hook.
type Events struct {
	// URLs are the handlers by namespace: "/", "/chat", or "*" for every other namespace.
	URLs        map[string]string
	Timeout     time.Duration // for one answer, 5 s by default
	Concurrency int           // requests to one URL at the same time, 256 by default

	// Batch is the number of events that one request may have, 1 by default. With more, the handler
	// must answer requests of the type "events".
	Batch int

	// Connections posts also when a client has connected to a namespace and when it has left it.
	Connections bool
}

// Connects configure the connect hook.
type Connects struct {
	URL         string        // "": no hook
	Timeout     time.Duration // for one answer, with the time that its request waits, 5 s by default
	Concurrency int           // requests at the same time, 64 by default; 16 times as many may wait
}

// Metrics counts the requests of hooks.
type Metrics interface {
	// Hooked counts a request of a hook ("event", "connect") with its outcome: "ok", what went
	// wrong, see Failure, "denied" for a client that the application refuses, or "gone" for one that
	// has left.
	Hooked(hook, outcome string, took time.Duration)
}

// Tracer begins the parts of a trace. ended gets the outcome of a Failure, or "".
type Tracer interface {
	// Event begins the answer to an event of a client. The context is for the request, and for what
	// the answer publishes.
	Event(ctx context.Context, kind string) (_ context.Context, ended func(outcome string))

	// Send begins a request, and adds its traceparent to the header.
	Send(ctx context.Context, hook string, header http.Header) (
		ended func(status int, outcome string),
	)
}

type noMetrics struct{}

func (noMetrics) Hooked(string, string, time.Duration) {}

// DefaultOptions returns the defaults, without URLs and secrets.
func DefaultOptions() Options {
	return Options{
		Events:   Events{Timeout: 5 * time.Second, Concurrency: 256, Batch: 1},
		Connects: Connects{Timeout: 5 * time.Second, Concurrency: 64},
		Webhooks: WebhookOptions{Events: webhookEvents, Retry: 15 * time.Minute,
			Timeout: 15 * time.Second},
	}
}

// Hooks send requests to the application. It is safe for concurrent use. Close it at the end.
type Hooks struct {
	o       Options
	signers signers
	sender  *sender
	events  map[string]*places  // by URL: the events that are posted
	batches map[string]*batches // by URL; empty if each event has its own request
	faults  faults

	closing context.Context // ends with Close
	close   context.CancelFunc
}

// New returns Hooks. The error names the option that is wrong.
func New(o Options) (*Hooks, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events.Timeout <= 0 || o.Events.Concurrency < 1 || o.Events.Batch < 1 {
		return nil, errors.New("hooks: Options.Events has no time, no concurrency or no batch: " +
			"start from DefaultOptions()")
	}
	if o.Connects.Timeout <= 0 || o.Connects.Concurrency < 1 {
		return nil, errors.New("hooks: Options.Connects has no time or no concurrency: " +
			"start from DefaultOptions()")
	}
	h := &Hooks{o: o, events: make(map[string]*places), batches: make(map[string]*batches),
		faults: faults{log: o.Log, now: o.Now}}
	if err := h.signers.set(o.Secrets); err != nil {
		return nil, err
	}
	h.sender = newSender(o, &h.signers, o.Events.Concurrency+o.Connects.Concurrency)
	h.closing, h.close = context.WithCancel(context.Background())
	for _, address := range o.Events.URLs {
		h.events[address] = newPlaces(o.Events.Concurrency, amount{})
		if o.Events.Batch > 1 {
			h.batches[address] = newBatches(h, address)
		}
	}
	return h, nil
}

// ParseURLs reads the URLs of event handlers: "https://…" for "/", "/chat=https://…" for another
// namespace, "*=https://…" for all others. No error shows a URL, because it can have a password.
func ParseURLs(entries []string) (map[string]string, error) {
	urls := make(map[string]string, len(entries))
	for i, entry := range entries {
		namespace, address := notify.RootNamespace, entry
		if strings.HasPrefix(entry, "/") || strings.HasPrefix(entry, "*") {
			namespace, address, _ = strings.Cut(entry, "=")
		}
		if namespace != "*" {
			if err := rooms.CheckNamespace(namespace); err != nil {
				return nil, fmt.Errorf("entry %d: %w", i+1, err)
			}
		}
		if err := CheckURL(address); err != nil {
			return nil, fmt.Errorf("entry %d %w", i+1, err)
		}
		if _, again := urls[namespace]; again {
			return nil, fmt.Errorf("entry %d is the second one for the namespace %s", i+1, namespace)
		}
		urls[namespace] = address
	}
	return urls, nil
}

// Close ends the questions of the connect hook that run, and closes idle connections. Requests of
// the event hook end by their own deadline: they are for events that the server has accepted.
func (h *Hooks) Close() {
	h.close()
	h.sender.client.CloseIdleConnections()
}

// request is the body of a request.
type request struct {
	Type      string `json:"type"`
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"`
}

// compose returns a new id and the body of a request with it.
func (h *Hooks) compose(kind string, data any) (id string, body []byte, err error) {
	id = newID()
	body, err = encode(request{kind, id, notify.Timestamp(h.o.Now()), data})
	return id, body, err
}

// request posts data to a hook. The error is a *Failure.
func (h *Hooks) request(
	ctx context.Context, hook, address string, data any, e expected,
) (reply, error) {
	id, body, err := h.compose(hook, data)
	if err != nil {
		return reply{}, err
	}
	return h.sender.send(ctx, hook, address, id, body, e)
}

// outcomeOf returns the outcome of a *Failure, and "" for no error.
func outcomeOf(err error) string {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure.Outcome
	}
	return ""
}

// count counts the outcome of a request, and logs a failure.
func (h *Hooks) count(hook, address string, start time.Time, err error) {
	var failure *Failure
	outcome := "ok"
	if errors.As(err, &failure) {
		outcome = failure.Outcome
		h.faults.note(hook, address, failure)
	}
	h.o.Metrics.Hooked(hook, outcome, h.o.Now().Sub(start))
}

// ShowURL returns a URL for logs, without its query and its user, which may be secret. A namespace
// can precede it, as in ParseURLs.
func ShowURL(address string) string {
	address, _, _ = strings.Cut(address, "?")
	scheme, rest, found := strings.Cut(address, "://")
	host, path, hasPath := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if !found || at < 0 {
		return address
	}
	if hasPath {
		path = "/" + path
	}
	return scheme + "://" + host[at+1:] + path
}
