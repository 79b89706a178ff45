package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// run is one run of all checks. Only the goroutine of Run uses it, except the clients, which use
// what never changes and slowest.
type run struct {
	o       Options
	name    string // of this run, random
	channel string // to which everything is published
	user    string // as whom clients connect without a token
	http    *http.Client
	fresh   *http.Client // opens a connection for each request, as a balancer sees those of browsers
	report  Report
	faults  map[string]bool
	tickets bool      // clients connect with tickets, which the key gets
	keyName string    // the header of the key
	publish publisher // nil: nothing can be published
	sends   bool      // publish is that of a client
	numbers int       // that were published

	check string
	began time.Time

	works map[string]bool // transports that deliver events
	skew  skew
	alpn  string // of the first answer

	mu      sync.Mutex
	slowest time.Duration // answer to a simple request
}

// errNothing is the error of a URL where nothing answers like Roomcast.
var errNothing = errors.New("nothing answers like a Roomcast server at this URL")

// Run checks a server. The error says why it could not: the options are wrong, nothing answers, or
// the server refuses the key. When ctx ends first, the report is not complete.
func Run(ctx context.Context, o Options) (Report, error) {
	r, err := newRun(o)
	if err != nil {
		return Report{}, err
	}
	defer r.http.CloseIdleConnections()
	defer r.fresh.CloseIdleConnections()
	if err := r.reach(ctx); err != nil {
		return r.report, err
	}
	if err := r.keyOf(ctx); err != nil {
		return r.report, err
	}
	defer r.cleanUp(context.WithoutCancel(ctx))
	for _, check := range []func(context.Context){
		r.versions, r.arrival, r.pages, r.tokens, r.sizes, r.transports, r.sticky, r.prompt,
		r.delivery, r.idle, r.clocks,
	} {
		if ctx.Err() != nil {
			break
		}
		check(ctx)
	}
	r.report.Complete = ctx.Err() == nil
	r.report.OK = r.report.Complete && r.report.Faults == 0
	return r.report, nil
}

func newRun(o Options) (*run, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	name := strings.ToLower(rand.Text()[:12])
	r := &run{o: o, name: name, channel: "roomcast-verify-" + name, user: "roomcast-verify-" + name,
		faults: map[string]bool{}, works: map[string]bool{}}
	r.report.URL, r.report.Results, r.report.Counts = o.Name, []Result{}, []Count{}
	r.http, r.fresh = newClient(o, false), newClient(o, true)
	return r, nil
}

// patience returns how long an answer may take.
func (r *run) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.o.Patience, 20*r.slowest)
}

// cleanUp ends what is left of the clients of this run, sessions and tickets included.
func (r *run) cleanUp(ctx context.Context) {
	if r.o.Key == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	_, _ = r.api(ctx, http.MethodDelete, "/v1/users/"+r.user+"/connections", "")
}
