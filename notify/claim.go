package notify

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify/kv"
)

// Claim is a value that the log stores in one step with the messages of a publish, so that a crash
// leaves both or neither: the answer to a request that may be repeated. A log that does not have the
// Store stores the messages only, and the caller stores the value after that.
type Claim struct {
	In  kv.Store
	Key string
	TTL time.Duration

	// Value returns the value for the results of the publish. The log calls it when the messages
	// have their ids, before their delivery: Receipt.Delivered, Users and Channels are 0. It runs in
	// a goroutine of the log, which it must not delay.
	Value func([]Result) []byte

	results func() []Result
}

// ClaimedError is the error of a publish whose Claim has a value already. Nothing was stored.
type ClaimedError struct{ Value []byte }

func (e *ClaimedError) Error() string { return "the key of the publish has a value" }

type claimKey struct{}

// WithClaim returns a context for one call of Publish, PublishBatch, Emit or EmitBatch. When all its
// messages are volatile, nothing is stored, the value neither.
func WithClaim(ctx context.Context, c Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, &c)
}

// ClaimOf returns the Claim of an Append, or nil, and a function that returns its value.
func ClaimOf(ctx context.Context) (c *Claim, value func() []byte) {
	found := claimOf(ctx) // c in the function would take memory of each call
	if found == nil || found.results == nil {
		return nil, nil
	}
	return found, func() []byte { return found.Value(found.results()) }
}

func claimOf(ctx context.Context) *Claim {
	c, _ := ctx.Value(claimKey{}).(*Claim)
	return c
}

// with returns a context with a copy of the Claim that knows the results.
func (c Claim) with(ctx context.Context, results func() []Result) context.Context {
	c.results = results
	return WithClaim(ctx, c)
}

// assigned returns the receipt of a message that has its id and is not delivered yet.
func (m *Message) assigned() Receipt {
	if m.Volatile {
		return Receipt{Targets: len(m.Rooms)}
	}
	return Receipt{ID: m.ID.String(), Targets: len(m.Rooms), Stored: true}
}
