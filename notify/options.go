package notify

import "time"

// Options are the limits of a Hub. New uses them as they are, and a negative value as 0. Start from
// DefaultOptions.
type Options struct {
	// HistorySize is the number of messages that each room keeps for replay. With 0 the Hub keeps
	// nothing: clients that reconnect get a gap. The default is 1,024.
	HistorySize int

	// HistoryMinAge is the time for which a room keeps a message even if it has more than
	// HistorySize, so that connected members get all messages of a burst. It is the time that a
	// transport gives a slow client. The default is 10 seconds.
	HistoryMinAge time.Duration

	// HistoryTTL is the time for which the Hub keeps a message, accurate to a second. With 0 the
	// next sweep or publish removes it. The default is 5 minutes.
	HistoryTTL time.Duration

	// HistoryMaxBytes is the memory for all kept messages: data, metadata, names of rooms and of
	// excepted clients, the frames for each transport, and the structures around them. The Hub
	// removes the oldest messages first, and before them those of a room that takes more than a
	// quarter. With 0 it keeps nothing. The default is 64 MiB.
	HistoryMaxBytes int64

	// RetainedSize is the number of types of which a channel or user can have a retained
	// notification. With 0 the Hub refuses to retain. The default is 256.
	RetainedSize int

	// RetainedMaxBytes is the memory for all retained notifications, counted as for
	// HistoryMaxBytes. One channel or user can have a quarter. The Hub refuses to retain above it
	// and never removes a notification to make room. With 0 it refuses all. The default is 16 MiB.
	RetainedMaxBytes int64

	// RetainedStore keeps the retained notifications when the process ends. With nil they end with
	// it.
	RetainedStore RetainedStore

	// SessionTTL is the time for which the Hub keeps a session after its member has detached. The
	// default is 5 minutes.
	SessionTTL time.Duration

	// ResumeTimeout is how long ResumeSession waits for the store of a Cluster and for another node. A
	// client whose session is not found in that time gets a new one. The default is half a second.
	ResumeTimeout time.Duration

	// MaxSessions is the number of sessions that the Hub keeps after their members have detached.
	// It removes the oldest first, and before them those of a user or an Attachment.Address that
	// has more than a tenth. The default is 20,000.
	MaxSessions int

	// MaxSessionBytes is the memory for these sessions, without the data of KeepData. The default
	// is 32 MiB.
	MaxSessionBytes int64

	// MaxReplay is the number of messages that one resume or History returns at most, the newest
	// ones. With 0 a client that missed messages gets a gap only. The default is 1,000. A resume
	// from an Archive has no such limit.
	MaxReplay int

	// Sessions keeps the sessions for the next process. Nil: they end with this one.
	Sessions SessionStore

	// Cluster shares the sessions with other nodes, in place of Sessions. Nil: this node is alone.
	Cluster *Cluster

	// Presence shares the counts of users, channels and transports with the other nodes of a
	// cluster. Nil: there is no other node.
	Presence Presence

	// Relay carries volatile messages to and from the other nodes of a cluster. Nil: they stay on this
	// node, as the Local ones do.
	Relay Relay

	// Tracer observes publishes. Nil: nobody does.
	Tracer Tracer

	// Now returns the time. Nil is time.Now.
	Now func() time.Time
}

// DefaultOptions returns the limits for a machine with a few GB of memory and clients that
// reconnect within minutes.
func DefaultOptions() Options {
	return Options{
		HistorySize: 1024, HistoryMinAge: 10 * time.Second, HistoryTTL: 5 * time.Minute,
		HistoryMaxBytes: 64 << 20,
		RetainedSize:    256, RetainedMaxBytes: 16 << 20,
		SessionTTL: 5 * time.Minute, MaxSessions: 20_000, MaxSessionBytes: 32 << 20,
		ResumeTimeout: 500 * time.Millisecond,
		MaxReplay:     1000,
	}
}

// valid returns o with 0 for negative limits, and with a clock.
func (o Options) valid() Options {
	for _, n := range []*int{&o.HistorySize, &o.RetainedSize, &o.MaxSessions, &o.MaxReplay} {
		*n = max(*n, 0)
	}
	for _, n := range []*int64{&o.HistoryMaxBytes, &o.RetainedMaxBytes, &o.MaxSessionBytes} {
		*n = max(*n, 0)
	}
	for _, d := range []*time.Duration{&o.HistoryMinAge, &o.HistoryTTL, &o.SessionTTL, &o.ResumeTimeout} {
		*d = max(*d, 0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
