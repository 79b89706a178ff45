package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/limit"
)

const (
	maxConnectAnswer = 64 << 10 // bytes
	// queuedConnects is how many questions may wait for each one that may run, and queuedBytes how
	// large they may be in all.
	queuedConnects = 16
	queuedBytes    = 16 << 20
	// pause is for how long new connections are refused after so many failures in a row as there may
	// be questions at a time: clients that connect again wait longer after a refused handshake than
	// after a connection that was closed.
	pause = time.Second
)

// ConnectHook asks the application who a client is, for auth.ModeHook.
type ConnectHook struct {
	*Hooks
	places *places

	mu       sync.Mutex
	failures int // in a row, without an answer
	failed   time.Time
}

var _ auth.Hook = (*ConnectHook)(nil)

// ConnectHook returns the hook for auth.Options. Options.Connects must have a URL.
func (h *Hooks) ConnectHook() *ConnectHook {
	n := h.o.Connects.Concurrency
	return &ConnectHook{Hooks: h, places: newPlaces(n, amount{n * queuedConnects, queuedBytes})}
}

// Ask implements auth.Hook. It waits at most half of the timeout for its turn, so that a question
// that is asked has the other half.
func (h *ConnectHook) Ask(ctx context.Context, q auth.Question) (auth.Answer, error) {
	start, address := h.o.Now(), h.o.Connects.URL
	asking, cancel := context.WithTimeout(ctx, h.o.Connects.Timeout)
	defer cancel()
	defer context.AfterFunc(h.closing, cancel)()
	r, err := h.ask(asking, q)
	var refusal *auth.Error
	if err == nil && r.status > 299 {
		if refusal, err = decodeRefusal(r); err == nil {
			h.answered(nil)
			h.o.Metrics.Hooked("connect", "denied", h.o.Now().Sub(start))
			return auth.Answer{}, refusal
		}
	}
	var answer auth.Answer
	if err == nil {
		answer, err = decodeConnect(r.text, h.o.Now())
	}
	if err != nil && (ctx.Err() != nil || h.closing.Err() != nil) {
		// The client has left, or the server ends, which says nothing about the application.
		h.o.Metrics.Hooked("connect", "gone", h.o.Now().Sub(start))
		return auth.Answer{}, cmp.Or(ctx.Err(), error(auth.ErrHookUnavailable))
	}
	h.answered(err)
	if h.count("connect", address, start, err); err != nil {
		return auth.Answer{}, auth.ErrHookUnavailable
	}
	return answer, nil
}

func (h *ConnectHook) ask(ctx context.Context, q auth.Question) (reply, error) {
	waiting, cancel := context.WithTimeout(ctx, h.o.Connects.Timeout/2)
	defer cancel()
	release, err := h.places.take(waiting, addressParty(q.From), len(q.Client))
	if err != nil {
		return reply{}, failed("busy", "%d requests run, and too many wait", h.o.Connects.Concurrency)
	}
	defer release()
	return h.request(ctx, "connect", h.o.Connects.URL, q.Client,
		expected{max: maxConnectAnswer, refusals: true})
}

// addressParty returns the name of an address for places.
func addressParty(from netip.Addr) string { return limit.Bucket(from).String() }

// Overloaded implements auth.Hook.
func (h *ConnectHook) Overloaded(from netip.Addr) error {
	h.mu.Lock()
	failing := h.failures >= h.o.Connects.Concurrency && h.o.Now().Sub(h.failed) < pause
	h.mu.Unlock()
	if failing || h.places.isFull(addressParty(from)) {
		return auth.ErrHookUnavailable
	}
	return nil
}

// answered counts failures of the connection to the application in a row.
func (h *ConnectHook) answered(err error) {
	var failure *Failure
	errors.As(err, &failure)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case failure == nil || failure.Outcome == "invalid" || failure.Outcome == "status":
		h.failures = 0
	case failure.Outcome != "busy":
		h.failures++
		h.failed = h.o.Now()
	}
}

const connectKeys = "userId, username, rooms, channels, publish, data or expiresAt"

// decodeConnect decodes the answer for a client that is accepted. An empty answer is not valid: a
// handler that answers by mistake must not let everyone in. The error is a *Failure.
func decodeConnect(text strictjson.Checked, now time.Time) (a auth.Answer, err error) {
	if text.Kind() == strictjson.None {
		return a, failed("invalid", "the answer is empty, expected an object; {} is an anonymous client")
	}
	for m := range text.Members() {
		known := true
		switch {
		case m.Value.Kind() == strictjson.Null && isOneOf(m.Name, connectKeys):
		case m.Name == "userId":
			a.UserID, err = decodeUserID(m)
		case m.Name == "username":
			a.Username, err = decodeText(m)
		case m.Name == "rooms":
			a.Rooms, err = decodeRooms(m)
		case m.Name == "channels":
			a.Channels, err = decodePatterns(m)
		case m.Name == "publish":
			a.Publish, err = decodePatterns(m)
		case m.Name == "data":
			a.Data, err = decodeData(m)
		case m.Name == "expiresAt":
			a.ExpiresAt, err = decodeFuture(m, now)
		default:
			known = false
		}
		if err := unusable(m, known, connectKeys, err); err != nil {
			return auth.Answer{}, err
		}
	}
	return a, nil
}

// decodeRefusal decodes the answer for a client that is refused. It needs a message: a 401 of
// something between the server and the application is no refusal of the client.
func decodeRefusal(r reply) (*auth.Error, error) {
	const maxMessage = 1 << 10
	refusal := &auth.Error{
		Code: "unauthenticated", Status: http.StatusUnauthorized, FromHook: true,
	}
	if r.status == http.StatusForbidden {
		refusal.Code, refusal.Status = "forbidden", http.StatusForbidden
	}
	const keys = "message or data"
	for m := range r.text.Members() {
		known := true
		var err error
		switch {
		case m.Name == "message":
			if refusal.Message, err = decodeText(m); len(refusal.Message) > maxMessage {
				err = invalid(m.Name, "is longer than 1 KiB")
			}
		case m.Name == "data" && len(m.Value.Bytes()) > maxData:
			err = invalid(m.Name, "is larger than 16 KiB")
		case m.Name == "data":
			refusal.Data = json.RawMessage(m.Value.Clone().Bytes())
		default:
			known = false
		}
		if err := unusable(m, known, keys, err); err != nil {
			return nil, err
		}
	}
	if refusal.Message == "" {
		return nil, failed("status", `the answer has the status %d and no "message"`, r.status)
	}
	return refusal, nil
}
