// Package sse is the EventSource transport: it streams what a member of the Hub gets as server-sent
// events (HTML Living Standard, section 9.2).
package sse
