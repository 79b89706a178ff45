package edge

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxDiscard     = 16 << 20        // bytes of one body
	discardTimeout = 5 * time.Second // for one body
	maxDiscards    = 32              // bodies at the same time
	// discardRate is the limit for all bodies together, in bytes per second, and discardBurst the
	// bytes that may arrive at once.
	discardRate  = 32 << 20
	discardBurst = 64 << 20
	discardPart  = 32 << 10
)

// discarded has buffers for bytes that nobody wants.
var discarded = sync.Pool{New: func() any { return new([discardPart]byte) }}

// discards reads and drops the rest of bodies that handlers have not read. Many proxies, such as
// Apache, and simple clients write a whole request before they read the response: if the server
// closes the connection while they write, they report a broken connection (502) in place of the
// response, for example of the 413. The limits bound the connections and the bandwidth that a
// client can hold by it. Beyond them the server closes the connection without reading the rest.
type discards struct {
	places chan struct{}
	bytes  *rate.Limiter
}

func newDiscards() *discards {
	return &discards{
		places: make(chan struct{}, maxDiscards),
		bytes:  rate.NewLimiter(discardRate, discardBurst),
	}
}

// discard reads the rest of a body, if the client sends it without a 100 (Continue) and the limits
// allow it.
func (d *discards) discard(body *DeadlineBody, r *http.Request) {
	switch {
	case body.Complete, body.failed, r.ContentLength-body.read > maxDiscard:
		return
	case body.read == r.ContentLength:
		return // a handler that reads a body of known length need not read its end
	case body.read == 0 && r.Header.Get("Expect") != "":
		return // the client waits for 100 (Continue) before it sends the body
	}
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
	default:
		return
	}
	_ = body.Controller.SetReadDeadline(time.Now().Add(discardTimeout))
	buf := discarded.Get().(*[discardPart]byte)
	defer discarded.Put(buf)
	for left := maxDiscard; left > 0; {
		n, err := body.Read(buf[:])
		if left -= n; err != nil || !d.bytes.AllowN(time.Now(), n) {
			return
		}
	}
}
