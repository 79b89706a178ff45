package notify

import "context"

// Tracer observes messages on their way from the publish to the first write to a connection. Any
// goroutine may call its methods, which must not wait.
type Tracer interface {
	// Publish begins the trace of messages that are published together. It may set their Trace, and
	// replace their Metadata. The context is for the rest of the publish. The Hub calls ended with
	// the number of connections that get them, or the error.
	Publish(ctx context.Context, messages []*Message) (
		_ context.Context, ended func(delivered int, err error),
	)

	// Append begins the part of a publish in which the log stores messages and delivers them.
	Append(ctx context.Context) (ended func(error))

	// Arrive may set the Trace of a message that another node has published.
	Arrive(m *Message)
}

// Trace observes the writes of one message, or of all messages of a batch.
type Trace interface {
	// Follows reports whether the Trace wants to know of the next write to a member. Transports ask
	// for each message and member.
	Follows(m *Member) bool

	// Written says that a message was written to a connection of a transport.
	Written(transport string)
}

// traced marks the context of a publish whose trace has begun.
type traced struct{}

// tracePublish begins the trace of messages. ended is nil if nobody traces them, or if an earlier
// step of the publish has begun the trace.
func (h *Hub) tracePublish(ctx context.Context, messages []*Message) (
	_ context.Context, ended func(int, error),
) {
	if len(messages) == 0 || ctx.Value(traced{}) != nil {
		return ctx, nil
	}
	return h.o.Tracer.Publish(context.WithValue(ctx, traced{}, true), messages)
}

// deliverTraced is deliver with a trace.
func (h *Hub) deliverTraced(ctx context.Context, m *Message) (Receipt, error) {
	ctx, ended := h.tracePublish(ctx, []*Message{m})
	r, err := h.deliver(ctx, m)
	if ended != nil {
		ended(r.Delivered, err)
	}
	return r, err
}

// traceBatch is tracePublish for a Hub with or without a Tracer. The caller calls ended with the
// messages that are left.
func (h *Hub) traceBatch(ctx context.Context, messages []*Message) (
	_ context.Context, ended func([]*Message, error),
) {
	ended = func([]*Message, error) {}
	if h.o.Tracer == nil {
		return ctx, ended
	}
	ctx, done := h.tracePublish(ctx, messages)
	if done == nil {
		return ctx, ended
	}
	return ctx, func(messages []*Message, err error) {
		delivered := 0
		for _, m := range messages {
			if m.counted.Load() {
				delivered += m.matched.Delivered
			}
		}
		done(delivered, err)
	}
}

// appendTraced is Log.Append with a trace.
func (h *Hub) appendTraced(ctx context.Context, messages []*Message) error {
	if h.o.Tracer == nil {
		return h.log.Append(ctx, messages)
	}
	ended := h.o.Tracer.Append(ctx)
	err := h.log.Append(ctx, messages)
	ended(err)
	return err
}

// traceArrival begins the trace of a message, if it is one of another node.
func (h *Hub) traceArrival(m *Message) {
	if h.o.Tracer != nil && m.accepted.IsZero() {
		h.o.Tracer.Arrive(m)
	}
}
