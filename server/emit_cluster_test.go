package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/nodetest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
	"github.com/roomcast/roomcast/server/socketio"
)

// lostChannels and lostStream are those of a Redis that is lost at one moment.
type lostChannels struct {
	peers.Channels
	lost *atomic.Bool
}

func (c lostChannels) Subscribers(ctx context.Context, channels ...string) ([]int, error) {
	if c.lost.Load() {
		return nil, errors.New("dial tcp 10.0.0.7:6379: connection refused")
	}
	return c.Channels.Subscribers(ctx, channels...)
}

type lostStream struct {
	peers.Stream
	lost *atomic.Bool
}

func (s lostStream) Append(ctx context.Context, entries ...*nodewire.Entry) error {
	if s.lost.Load() {
		return fmt.Errorf("%w: connection refused", notify.ErrUnavailable)
	}
	return s.Stream.Append(ctx, entries...)
}

// When the clients of other nodes cannot be asked, those of this node are, and the reply says that it
// does not have all acknowledgements. An error would make the backend ask them again.
func TestAcknowledgementsWithoutOtherNodes(t *testing.T) {
	t.Parallel()
	for name, inStream := range map[string]bool{"by a channel": false, "in the stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, redistest.Options{})
			channels := nodetest.Channels(t, nodetest.Dial(t, redis))
			var noChannels, noStream atomic.Bool
			stream := redis.Stream(t)
			all := peers.New(lostChannels{channels, &noChannels}, lostStream{stream, &noStream},
				peers.DefaultOptions())
			t.Cleanup(all.Close)
			s := newServiceStack(t, func(so *socketio.Options) { so.Peers = all })
			s.sio.JoinCluster()
			c, me := s.Connect(`{"userId":"u1","channels":["lobby"]}`)
			if inStream { // as while a server with adapter 0.2 runs
				hello := &nodewire.Entry{Type: nodewire.TypeHello, UID: "0123456789abcdef", Namespace: "/"}
				if err := stream.Append(t.Context(), hello); err != nil {
					t.Fatal(err)
				}
				servertest.Eventually(t, "the other server is counted", func() bool {
					n, err := s.sio.ServerCount(t.Context(), "/")
					return err == nil && n == 2
				})
			}
			noStream.Store(inStream)
			noChannels.Store(!inStream)
			replies := make(chan string, 1)
			go func() {
				status, text := s.emit("?wait=ack&timeout=30s", `{"room":"lobby","event":"q"}`)
				replies <- fmt.Sprint(status, " ", text)
			}()
			id, ok := strings.CutSuffix(strings.TrimPrefix(c.Read(), "42"), `["q"]`)
			if !ok {
				t.Fatal("the client was not asked")
			}
			c.Send("43" + id + `["ok"]`)
			want := `200 {"acks":[{"client":"` + me.ClientID + `","args":["ok"]}],"missing":[],"timedOut":true}`
			if got := servertest.Receive(t, replies); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
