package engineio

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// refusal is an error response as the protocol defines it: a code and its message, as JSON.
type refusal struct {
	status  int
	code    int
	message string
}

var (
	errTransport  = refusal{http.StatusBadRequest, 0, "Transport unknown"}
	errSession    = refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	errMethod     = refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	errRequest    = refusal{http.StatusBadRequest, 3, "Bad request"}
	errSlowBody   = refusal{http.StatusRequestTimeout, 3, "Bad request"}
	errLargeBody  = refusal{http.StatusRequestEntityTooLarge, 3, "Bad request"}
	errLargeHead  = refusal{http.StatusRequestHeaderFieldsTooLarge, 3, "Bad request"}
	errForbidden  = refusal{http.StatusForbidden, 4, "Forbidden"}
	errDraining   = refusal{http.StatusServiceUnavailable, 4, "Server shutting down"}
	errUnsupports = refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
)

// write sends the refusal.
func (f refusal) write(w http.ResponseWriter) {
	body, _ := json.Marshal(struct { // marshalling an int and a string cannot fail
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{f.code, f.message})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	noStore(h)
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // on failure there is no session to close
}

// refuseAdmission answers an error of Options.Admit.
func refuseAdmission(w http.ResponseWriter, err error) {
	f := errForbidden
	var status interface{ HTTPStatus() int }
	if errors.As(err, &status) {
		f.status, f.message = status.HTTPStatus(), err.Error()
	}
	var retry interface{ RetryAfter() time.Duration }
	if errors.As(err, &retry) {
		w.Header().Set("Retry-After",
			strconv.Itoa(int(math.Ceil(max(0, retry.RetryAfter().Seconds())))))
	}
	f.write(w)
}

// noStore forbids caching and content sniffing.
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
