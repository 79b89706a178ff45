package verify

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

const (
	longHeader = 4 << 10   // a token of a few claims has 1 KiB, of an identity provider often 3
	largeBody  = 200 << 10 // data of a notification may have 256 KiB
)

// sizes checks the limits of the proxy for headers, URLs and bodies.
func (r *run) sizes(ctx context.Context) {
	r.begin("sizes")
	text := strings.Repeat("x", longHeader)
	position := strings.TrimRight(r.o.SSEPath, "/") + "/position"
	for what, send := range map[string]func() (answer, error){
		"header": func() (answer, error) { return r.get(ctx, position, nil, "X-Verify", text) },
		"URL": func() (answer, error) {
			return r.get(ctx, position, url.Values{"verify": {text}})
		},
	} {
		a, err := send()
		switch {
		case err != nil:
			r.note("a request with a %s of 4 KiB: %v", what, err)
		case !a.own && a.status/100 == 4:
			r.fault("headers", "a request with a %s of 4 KiB was answered %s by the proxy", what, a)
		}
	}
	a, err := r.large(ctx)
	switch {
	case err != nil:
		r.note("a request with a body of 200 KiB: %v", err)
	case !a.own && a.status == http.StatusRequestEntityTooLarge:
		r.fault("body", "a request with a body of 200 KiB was answered %s by the proxy", a)
	case !r.faults["headers"]:
		r.ok("headers of 4 KiB and bodies of 200 KiB pass")
	}
}

// large sends a large body that has no effect: without a key the server refuses it.
func (r *run) large(ctx context.Context) (answer, error) {
	req := r.request(ctx, http.MethodPost, r.url("/v1/notifications", nil), r.filler(largeBody),
		"Content-Type", "application/json", "Expect", "100-continue")
	if r.o.Key != "" {
		r.sign(req)
	}
	return r.do(r.http, req)
}
