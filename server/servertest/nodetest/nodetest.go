// Package nodetest connects tests to their Redis, as a node of a cluster does.
package nodetest

import (
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// Dial returns a client of a server. It is closed at the end of the test.
func Dial(t testing.TB, redis *redistest.Server) *redisstream.Client {
	t.Helper()
	o := redisstream.DefaultOptions()
	o.URL = auth.Secret(redis.URL())
	client, err := redisstream.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Channels returns the channels of a client. They are closed at the end of the test.
func Channels(t testing.TB, client *redisstream.Client) *redisstream.Channels {
	t.Helper()
	channels := redisstream.OpenChannels(client)
	t.Cleanup(channels.Close)
	return channels
}
