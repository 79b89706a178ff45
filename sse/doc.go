// Package sse is the EventSource transport: it streams the deliveries of a member of the Hub as
// server-sent events (HTML Living Standard, section 9.2).
package sse
