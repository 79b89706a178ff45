package engineio

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// refusal is an error response as the protocol defines it: a code and its message, as JSON.
type refusal struct {
	status  int
	code    int
	message string
}

var (
	errTransport = refusal{http.StatusBadRequest, 0, "Transport unknown"}
	errSession   = refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	errMethod    = refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	errRequest   = refusal{http.StatusBadRequest, 3, "Bad request"}
	errLongQuery = refusal{http.StatusBadRequest, 3,
		"Bad request: expected at most " + strconv.Itoa(maxParameters) + " parameters in the query"}
	errSlowBody  = refusal{http.StatusRequestTimeout, 3, "Bad request"}
	errLargeBody = refusal{http.StatusRequestEntityTooLarge, 3, "Bad request"}
	errLargeHead = refusal{http.StatusRequestHeaderFieldsTooLarge, 3, "Bad request"}
	// errCrowdedBody refuses a body that has given way to others, see Options.MaxIncomplete.
	errCrowdedBody = refusal{http.StatusServiceUnavailable, 3, "Bad request"}

	errForbidden  = refusal{http.StatusForbidden, 4, "Forbidden"}
	errDraining   = refusal{http.StatusServiceUnavailable, 4, "Server shutting down"}
	errVersion    = refusal{http.StatusUpgradeRequired, 3, "Bad request"} // of WebSocket
	errUnsupports = refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
)

// refuse answers a request with a refusal. Above the rate of refusals it waits: a client that sends
// such requests as fast as it can would keep the server busy, and no session has a budget for them.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	refuseAt(s.refusals, w, r, f)
}

// refuseAt is refuse with a rate of its own; nil: no limit.
func refuseAt(most *rate.Limiter, w http.ResponseWriter, r *http.Request, f refusal) {
	if most != nil && !most.Allow() {
		timer := time.NewTimer(refusalDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if r.Method == http.MethodGet && r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // net/http would read the body first
	}
	f.write(w)
}

// Error makes a refusal an error.
func (f refusal) Error() string { return f.message }

// write sends the refusal.
func (f refusal) write(w http.ResponseWriter) {
	body, _ := json.Marshal(struct { // marshalling an int and a string cannot fail
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{f.code, f.message})
	h := w.Header()
	if f.status == http.StatusUpgradeRequired {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	noStore(h)
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // on failure there is no session to close
}

// refuseAdmission answers an error of Options.Gate or Options.Accept.
func (s *Server) refuseAdmission(
	w http.ResponseWriter, r *http.Request, most *rate.Limiter, err error,
) {
	f := errForbidden
	var status interface{ HTTPStatus() int }
	if errors.As(err, &status) {
		f.status, f.message = status.HTTPStatus(), err.Error()
	}
	var retry interface{ RetryAfter() time.Duration }
	if errors.As(err, &retry) {
		w.Header().Set("Retry-After",
			strconv.Itoa(int(math.Ceil(max(0, retry.RetryAfter().Seconds())))))
		if r.ProtoMajor == 1 { // of HTTP/2 it would end the requests of all tabs
			w.Header().Set("Connection", "close") // no memory for a client that waits
		}
	}
	refuseAt(most, w, r, f)
}

// noStore forbids caching and content sniffing.
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
