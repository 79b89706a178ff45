package verify

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// tokens checks the token of the options: its claims, and whether it reaches the server in the
// header, the query and the cookie.
func (r *run) tokens(ctx context.Context) {
	r.begin("token")
	token := r.o.Token
	if token == "" {
		r.skip("no token given; --token checks its claims, and whether cookies pass")
		return
	}
	if !r.works[eventSource] {
		r.skip("%s does not work", r.o.SSEPath)
		return
	}
	l := r.listener(eventSource)
	l.token = token
	l.open(ctx)
	defer l.leave(ctx)
	l.until(ctx, 3*r.patience(), l.settled)
	st := l.now()
	if st.connected {
		r.skew.greet(st)
	}
	c, broken := readClaims(token)
	var mistakes []string
	if broken != nil {
		mistakes = []string{broken.Error()}
	} else {
		mistakes = c.mistakes(token, r.skew.serverNow())
	}
	switch {
	case st.connected && broken == nil && st.welcome.UserID == c.Sub:
		before := r.report.Faults
		r.carried(ctx, token)
		if r.report.Faults == before {
			r.ok("the server accepts the token: %s", c.String())
		}
	case st.connected:
		r.note("the server lets the client in as %s, not by the token: in open mode without a key it "+
			"reads none", st.welcome.UserID)
	case isBusy(st.err):
		r.skip("%v", st.err)
	case codeOf(st.err) == "unauthenticated" &&
		r.head(ctx, url.Values{"token": {token}}) == http.StatusOK:
		r.fault("authorization", "the server gets no Authorization header; the same token in the query "+
			"was accepted")
	case codeOf(st.err) == "":
		r.note("the token could not be checked: %v", st.err)
	case len(mistakes) > 0:
		r.fault("token", "the server refuses the token (%s): %s", codeOf(st.err),
			strings.Join(mistakes, "; "))
	default:
		r.fault("token", "the server refuses the token (%s), although its times are right: the signature, "+
			"iss or aud is not what JWT_SECRET or JWT_PUBLIC_KEY_FILE, JWT_ISSUER and JWT_AUDIENCE say",
			codeOf(st.err))
	}
}

// carried checks that a token in a cookie reaches the server, for a page of its own host.
func (r *run) carried(ctx context.Context, token string) {
	status := r.head(ctx, nil, "Cookie", "auth_token="+token, "Origin", r.o.ownOrigin(),
		"Sec-Fetch-Site", "same-origin")
	if status == http.StatusUnauthorized {
		r.fault("cookie", "the server gets no cookie: a token that it accepts in a header is not seen in "+
			"the cookie auth_token")
	}
}

// head returns the status of a stream that does not begin, or 0.
func (r *run) head(ctx context.Context, query url.Values, headers ...string) int {
	a, err := r.do(r.http, r.request(ctx, http.MethodHead, r.url(r.o.SSEPath, query), "", headers...))
	if err != nil || !a.own {
		return 0
	}
	return a.status
}
