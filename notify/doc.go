// Package notify is the hub between whoever publishes a notification and the connections that get it, live or replayed, from one log in one order.
package notify
