package forward

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

type forwardedKey struct{}

// isForwarded reports whether another node has forwarded a request, so that it goes no further.
func isForwarded(r *http.Request) bool { return r.Context().Value(forwardedKey{}) != nil }

var errForged = &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
	Field: headerForward, Detail: headerForward + ": only nodes of the cluster may send it"}

// Accept returns a middleware for all requests. It gives those that other nodes forward the address
// of their client, and refuses those that only pretend to be from a node. It needs [edge.WithInfo]
// around it.
func (f *Forwarder) Accept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := r.Header[headerForward]; !ok {
			next.ServeHTTP(w, r)
			return
		}
		from, err := f.check(r)
		if err != nil {
			f.counts.forged.Add(1)
			f.logged.warn(f.o.Log, "a request that another node may have forwarded is refused",
				zap.String("from", edge.ClientIP(r).String()), zap.Error(err))
			edge.WriteProblem(w, r, errForged)
			return
		}
		delete(r.Header, headerForward)
		edge.InfoOf(r).IP = from.client
		w.Header().Set(headerNode, f.o.Tag())
		r = r.WithContext(context.WithValue(r.Context(), forwardedKey{}, true))
		// The client's own connection counts, and the other node has checked it: rules about TLS are
		// not for a connection between nodes.
		r.TLS = nil
		next.ServeHTTP(w, r)
	})
}

// check returns the stamp of a request that another node has forwarded to this one, now and once.
func (f *Forwarder) check(r *http.Request) (stamp, error) {
	headers := r.Header[headerForward]
	if len(headers) != 1 {
		return stamp{}, errors.New("the header is there twice")
	}
	s, err := verify(headers[0], f.o.Secret, r.Method, r.RequestURI)
	if err == nil {
		err = f.senders.admit(s, time.Now())
	}
	return s, err
}
