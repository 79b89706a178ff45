// Package hooks asks the application behind the server over HTTP what to do with the events of
// clients. It is the only package that sends requests to addresses of the
// operator's choice. Every request is signed as Standard Webhooks describes.
package hooks

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

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

	Events Events

	Metrics Metrics     // nil: nothing is counted
	Log     *zap.Logger // nil: nothing is logged
	Now     func() time.Time
}

// Events configure the event hook.
type Events struct {
	// URLs are the handlers by namespace: "/", "/chat", or "*" for every other namespace.
	URLs        map[string]string
	Timeout     time.Duration // for one answer, 5 s by default
	Concurrency int           // requests to one URL at the same time, 256 by default
}

// Metrics counts the requests of hooks.
type Metrics interface {
	// Hooked counts a request of a hook ("event") with its outcome: "ok", or what went
	// wrong, see Failure.
	Hooked(hook, outcome string, took time.Duration)
}

type noMetrics struct{}

func (noMetrics) Hooked(string, string, time.Duration) {}

// DefaultOptions returns the defaults, without URLs and secrets.
func DefaultOptions() Options {
	return Options{Events: Events{Timeout: 5 * time.Second, Concurrency: 256}}
}

// MinSecret is the length of a secret in bytes, the minimum of Standard Webhooks.
const MinSecret = 24

// Hooks send requests to the application. It is safe for concurrent use. Close it at the end.
type Hooks struct {
	o      Options
	sender *sender
	events map[string]*semaphore.Weighted // by URL: the requests of the event hook that run
	faults faults
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
	if o.Events.Timeout <= 0 || o.Events.Concurrency < 1 {
		return nil, errors.New("hooks: Options.Events has no time or no concurrency: " +
			"start from DefaultOptions()")
	}
	if len(o.Secrets) == 0 {
		return nil, errors.New("hooks: Options.Secrets is empty: a handler could not tell the " +
			"requests of this server from those of others")
	}
	sender, err := newSender(o)
	if err != nil {
		return nil, err
	}
	h := &Hooks{o: o, sender: sender, events: make(map[string]*semaphore.Weighted),
		faults: faults{log: o.Log, now: o.Now}}
	for _, address := range o.Events.URLs {
		h.events[address] = semaphore.NewWeighted(int64(o.Events.Concurrency))
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

// CheckSecrets reports which secret cannot sign requests. Its error does not show the secret.
func CheckSecrets(secrets []auth.Secret) error {
	for i, secret := range secrets {
		if _, err := newSigner(secret); err != nil {
			return fmt.Errorf("secret %d %w", i+1, err)
		}
	}
	return nil
}

// Close closes idle connections. Requests that run end by their own deadline.
func (h *Hooks) Close() { h.sender.client.CloseIdleConnections() }

// Failure is why a request of a hook had no usable answer.
type Failure struct {
	Outcome string // for metrics: "unreachable", "timeout", "status", "invalid", "refused", "busy"
	Reason  string // for the log
}

func (f *Failure) Error() string { return f.Reason }

func failed(outcome, format string, args ...any) *Failure {
	return &Failure{outcome, fmt.Sprintf(format, args...)}
}

// faults logs what goes wrong, at most once a minute for each hook and outcome: a handler that is
// down fails thousands of times a second.
type faults struct {
	log *zap.Logger
	now func() time.Time

	mu   sync.Mutex
	seen map[string]*fault
}

type fault struct {
	logged time.Time
	silent int // since then
}

const faultInterval = time.Minute

func (f *faults) note(hook, address string, failure *Failure) {
	f.mu.Lock()
	key := hook + " " + failure.Outcome
	if f.seen == nil {
		f.seen = make(map[string]*fault)
	}
	seen := f.seen[key]
	if seen == nil {
		seen = new(fault)
		f.seen[key] = seen
	}
	now := f.now()
	if !seen.logged.IsZero() && now.Sub(seen.logged) < faultInterval {
		seen.silent++
		f.mu.Unlock()
		return
	}
	silent := seen.silent
	seen.logged, seen.silent = now, 0
	f.mu.Unlock()
	f.log.Warn("hook failed", zap.String("hook", hook), zap.String("url", shown(address)),
		zap.String("outcome", failure.Outcome), zap.String("reason", failure.Reason),
		zap.Int("not_logged", silent))
}

// ShowURLs returns the value of EVENTS_URL without the users and queries of its URLs.
func ShowURLs(value string) string {
	entries := strings.Split(value, ",")
	for i, entry := range entries {
		entries[i] = shown(entry)
	}
	return strings.Join(entries, ",")
}

// shown returns a URL for the log, without its query and its user, which may be secret.
func shown(address string) string {
	address, _, _ = strings.Cut(address, "?")
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if _, host, ok := strings.Cut(rest, "@"); ok {
			return scheme + "://" + host
		}
	}
	return address
}
