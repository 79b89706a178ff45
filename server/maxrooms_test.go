package server

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// MAX_ROOMS counts the same channels on both transports, in the request and for a tab that comes
// back, on the same transport or on the other one: those that the client asked for, and not the
// default ones and those that the server has joined. Channels of before come first.
func TestMaxRoomsOnBothTransports(t *testing.T) {
	t.Parallel()
	type connect func(s *serviceStack, channels ...string) (clientID string, end func())
	socket := func(s *serviceStack, channels ...string) (string, func()) {
		auth, _ := json.Marshal(map[string]any{"userId": "u", "sessionId": "tab", "channels": channels})
		c, connected := s.Connect(string(auth))
		return connected.ClientID, func() { c.Conn.Close() }
	}
	stream := func(s *serviceStack, channels ...string) (string, func()) {
		res, lines := s.Stream(url.Values{"userId": {"u"}, "sessionId": {"tab"}, "channel": channels}, nil)
		for lines.Scan() {
			if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				var connected servertest.Connected
				if err := json.Unmarshal([]byte(data), &connected); err != nil {
					t.Fatal(err)
				}
				return connected.ClientID, func() { res.Body.Close() }
			}
		}
		t.Fatal("no event")
		return "", nil
	}
	for name, ways := range map[string][2]connect{
		"socket": {socket, socket}, "stream": {stream, stream},
		"socket, then stream": {socket, stream}, "stream, then socket": {stream, socket},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServiceStack(t, func(o *socketio.Options) {
				o.MaxRooms, o.DefaultChannels = 3, []string{"general"}
			})
			channels := func(m *notify.Member) string {
				in := slices.DeleteFunc(m.Rooms(), func(room string) bool { return !rooms.IsChannel(room) })
				slices.Sort(in)
				return strings.Join(in, " ")
			}
			id, end := ways[0](s, "a", "general", "b", "a")
			member := s.Hub.Member("/", id)
			member.Join("vip1", "vip2")
			if got := channels(member); got != "a b general vip1 vip2" {
				t.Errorf("first in %s", got)
			}
			end()
			servertest.Eventually(t, "the first connection has ended", func() bool { return s.Hub.Total() == 0 })
			id, _ = ways[1](s, "vip1", "c", "d")
			member = s.Hub.Member("/", id)
			if got := channels(member); got != "a b c general vip1 vip2" {
				t.Errorf("then in %s", got)
			}
			_, denied := s.Hub.JoinChannels(member, []string{"general", "vip2", "e"}, nil, 3)
			if !slices.Equal(denied, []string{"e"}) {
				t.Errorf("then denied %q, want e", denied)
			}
		})
	}
}
