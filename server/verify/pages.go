package verify

import (
	"context"
	"net/http"
	"strings"
)

// pages checks what browsers need between a page and the server: CORS, and a Host that was not
// changed.
func (r *run) pages(ctx context.Context) {
	r.begin("origin")
	own := r.o.ownOrigin()
	a, err := r.position(ctx, "Origin", own)
	switch {
	case err != nil:
		r.note("a request with the Origin %s: %v", own, err)
		return
	case a.own && a.status == http.StatusForbidden && r.o.Origin != "":
		r.note("pages of %s itself are refused: the proxy changes the Host header", own)
	case a.own && a.status == http.StatusForbidden:
		r.fault("host", "pages of %s itself are refused, so the server got another Host header", own)
	case a.header.Get(allowOrigin) != "":
		r.cors("GET", own, a)
	}
	if r.o.Origin == "" {
		if len(r.faults) == 0 || !r.faults["cors"] && !r.faults["host"] {
			r.ok("pages of %s itself are let in; --origin checks those of another host", own)
		}
		return
	}
	r.foreign(ctx)
}

const allowOrigin = "Access-Control-Allow-Origin"

// foreign checks the requests of a page of Options.Origin.
func (r *run) foreign(ctx context.Context) {
	before := r.report.Faults
	for _, path := range []string{r.o.SSEPath + "/position", r.o.SocketIOPath + "/"} {
		query := engineQuery(polling)
		a, err := r.get(ctx, path, query, "Origin", r.o.Origin)
		if err != nil {
			r.note("GET %s with the Origin %s: %v", path, r.o.Origin, err)
			continue
		}
		if a.own && a.status == http.StatusForbidden {
			r.fault("origin", "the server refuses pages of %s", r.o.Origin)
			continue
		}
		r.forget(ctx, a)
		r.cors("GET", r.o.Origin, a)
		a, err = r.do(r.http, r.request(ctx, http.MethodOptions, r.url(path, query), "",
			"Origin", r.o.Origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "content-type"))
		switch {
		case err != nil:
			r.note("OPTIONS %s: %v", path, err)
		case a.status/100 != 2:
			r.fault("cors", "OPTIONS %s, which browsers send first, was answered %s", path, a)
		default:
			r.cors("OPTIONS", r.o.Origin, a)
		}
	}
	if r.report.Faults == before {
		r.ok("pages of %s may connect, with cookies", r.o.Origin)
	}
}

// cors checks the headers for one origin.
func (r *run) cors(method, origin string, a answer) {
	origins := a.header.Values(allowOrigin)
	credentials := a.header.Values("Access-Control-Allow-Credentials")
	given := strings.Join(origins, ", ")
	switch {
	case len(origins) == 0:
		r.fault("cors", "the answer to %s has no %s: the proxy removes it, or answers itself",
			method, allowOrigin)
	case len(origins) > 1 || strings.Contains(given, ","):
		r.fault("cors", "the answer to %s has %s twice (%s), which browsers refuse: the proxy adds "+
			"its own", method, allowOrigin, given)
	case given != origin:
		r.fault("cors", "the answer to %s has %s: %s instead of %s, which browsers refuse with cookies: "+
			"the proxy writes its own", method, allowOrigin, given, origin)
	case strings.Join(credentials, ", ") != "true":
		r.fault("cors", "the answer to %s has no Access-Control-Allow-Credentials: true", method)
	}
}
