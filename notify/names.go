package notify

import "time"

// RootNamespace is the namespace that every client and every transport sees.
const RootNamespace = "/"

// TimestampFormat is the layout of every timestamp on the wire, in UTC.
const TimestampFormat = "2006-01-02T15:04:05.000Z"

// Timestamp returns t as it appears on the wire: UTC, milliseconds.
func Timestamp(t time.Time) string { return t.UTC().Format(TimestampFormat) }
