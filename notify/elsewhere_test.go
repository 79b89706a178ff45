package notify

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixed is a Presence whose other nodes do not change.
type fixed struct {
	own, others map[string]int
	names       map[string]string
}

func (f *fixed) Set(field string, n int, name string) {
	f.own[field], f.names[field] = n, name
	if n == 0 {
		delete(f.own, field)
	}
}
func (f *fixed) Count(field string) int { return f.others[field] }
func (f *fixed) Leads() bool            { return false }

func (f *fixed) WatchLead(w func(bool, time.Time)) { w(false, time.Time{}) }
func (f *fixed) Resign(context.Context)            {}

func (f *fixed) Ready() <-chan struct{} { return always }
func (f *fixed) Watch(prefix string, w func(field, name string, known bool)) {
	for field := range f.others {
		if strings.HasPrefix(field, prefix) {
			w(field, "N", true)
		}
	}
}

func clusterHub(t *testing.T, others map[string]int) (*Hub, *fixed) {
	f := &fixed{map[string]int{}, others, map[string]string{}}
	o := DefaultOptions()
	o.Presence = f
	h := New(NewMemoryLog(), o)
	t.Cleanup(h.Close)
	return h, f
}

// A Hub tells the others what it has, and nothing is left when all members have gone.
func TestSharedCounts(t *testing.T) {
	t.Parallel()
	h, f := clusterHub(t, nil)
	one := attach(t, h, Attachment{ClientID: "1", UserID: "u", Username: "U", Transport: "sse",
		Rooms: []string{"c", "/n#c"}})
	two := attach(t, h, Attachment{ClientID: "2", UserID: "u", Username: "U",
		Transport: "polling", Rooms: []string{"c"}})
	attach(t, h, Attachment{ClientID: "3", UserID: "v", Namespace: "/n", Transport: "sse",
		Rooms: []string{"/n#c"}})
	two.Join("d", "e")
	two.Leave("e")
	two.SetTransport("websocket")
	want := map[string]int{"u:u": 2, "n:users": 1, "c:c": 2, "c:d": 1, "t:sse": 1, "t:websocket": 1}
	if !maps.Equal(f.own, want) || f.names["u:u"] != "U" {
		t.Errorf("got  %v %v\nwant %v", f.own, f.names, want)
	}
	one.Detach()
	two.Detach()
	if len(f.own) != 0 {
		t.Errorf("left behind: %v", f.own)
	}
}

func TestReceiptsOfACluster(t *testing.T) {
	t.Parallel()
	h, _ := clusterHub(t, map[string]int{"u:u": 2, "u:w": 1, "c:c": 3, "c:d": 1, "t:sse": 4,
		"t:polling": 1, "n:users": 3})
	attach(t, h, Attachment{ClientID: "1", UserID: "u", Transport: "sse", Rooms: []string{"c"}})
	for name, c := range map[string]struct {
		to   Target
		want Receipt
	}{
		"all":        {ToAll(), Receipt{Delivered: 6, Users: 4, Targets: 1}},
		"both":       {ToUser("u"), Receipt{Delivered: 3, Users: 1, Targets: 1}},
		"elsewhere":  {ToUser("w"), Receipt{Delivered: 1, Users: 1, Targets: 1}},
		"nowhere":    {ToUser("x"), Receipt{Targets: 1}},
		"users":      {ToUsers("u", "w", "x"), Receipt{Delivered: 4, Users: 2, Targets: 3}},
		"channel":    {ToChannel("c"), Receipt{Delivered: 4, Users: 4, Channels: 1, Targets: 1}},
		"channels":   {ToChannels("c", "d", "x"), Receipt{Delivered: 5, Users: 5, Channels: 2, Targets: 3}},
		"own client": {ToClient("1"), Receipt{Delivered: 1, Users: 1, Targets: 1}},
	} {
		got, err := h.Publish(context.Background(), Notification{Type: "t"}, c.to)
		got.ID, got.Stored = "", false
		if err != nil || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
	if n := h.Total(); n != 6 {
		t.Errorf("%d in total", n)
	}
	if !h.UserOnline("w") || h.ConnectionsOf("u") != 3 || !h.ChannelOccupied("d") || h.Leads() {
		t.Error("other nodes do not count")
	}
	known := map[string]string{}
	h.WatchChannels(func(channel, name string, _ bool) { known[channel] = name })
	if !maps.Equal(known, map[string]string{"c": "N", "d": "N"}) {
		t.Errorf("channels elsewhere: %v", known)
	}
}

// What has a member on another node is not undelivered.
func TestUndeliveredOfACluster(t *testing.T) {
	t.Parallel()
	h, _ := clusterHub(t, map[string]int{"u:w": 1, "c:d": 1})
	var missed []string
	h.OnUndelivered(func(u Undelivered) { missed = append(missed, u.Rooms...) })
	for _, to := range []Target{ToUsers("w", "x"), ToUser("w"), ToChannels("d", "y"), ToClient("z")} {
		if _, err := h.Publish(context.Background(), Notification{Type: "t"}, to); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(missed, " "); got != "user:x y client:z" {
		t.Errorf("undelivered to %s", got)
	}
}

// Names of clients of any node are not for channels.
func TestClientIDsOfACluster(t *testing.T) {
	t.Parallel()
	h, _ := clusterHub(t, nil)
	m := attach(t, h, Attachment{ClientID: "1"})
	for name, is := range map[string]bool{
		"Zk3vX0bq5tQyVfR2AAAB": true, "tag_abcdefghijklmnopqrsT": true, "1": true,
		"507f1f77bcf86cd799439011": false, "notifications-global": false,
		"Abcdefghijklmnopqrs": false, "Abcdefghijklmnopqrstuvwxy": false,
		"abcdefghijklmnopqrs.": false, "orders": false,
	} {
		joined, _ := h.JoinChannels(m, []string{name}, nil, NoLimit)
		allowed, _ := h.Admissible([]string{name}, nil, NoLimit)
		if h.IsClientID(name) != is || len(joined) == 1 == is || len(allowed) == 1 == is {
			t.Errorf("%s: joined %q, admissible %q", name, joined, allowed)
		}
	}
}

// The server puts a member into the room and the channel of a name of which nobody knows whether it is
// that of a client, so that whatever is sent to the name arrives. No other client gets into the room of
// a client by its name.
func TestPlacesOfACluster(t *testing.T) {
	t.Parallel()
	h, _ := clusterHub(t, nil)
	alone := newHub(t, Options{})
	m := attach(t, h, Attachment{ClientID: "Zk3vX0bq5tQyVfR2AAAB"})
	attach(t, alone, Attachment{ClientID: "Zk3vX0bq5tQyVfR2AAAB"})
	const other = "JhLeOlGIEjaIOFHR0xdA"
	for _, c := range []struct {
		h    *Hub
		name string
		want []string
	}{
		{h, "507f1f77bcf86cd799439011", []string{"/n#507f1f77bcf86cd799439011"}},
		{h, other, []string{"/n#" + other, "/n#client:" + other}},
		{h, m.ClientID(), []string{"/n#client:" + m.ClientID()}},
		{alone, m.ClientID(), []string{"/n#client:" + m.ClientID()}},
		{alone, other, []string{"/n#" + other}},
	} {
		if got := c.h.PlacesIn("/n", c.name); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	m.Join(h.PlacesIn("/", other)...)
	reaches := func() (n int) {
		t.Helper()
		for _, to := range []Emission{
			{Room: other, Event: "e"}, {Target: ToChannel(other), Event: "e"},
		} {
			receipt, err := h.Emit(context.Background(), to)
			if err != nil {
				t.Fatal(err)
			}
			n += receipt.Delivered
		}
		return n
	}
	if n := reaches(); n != 2 {
		t.Errorf("%d of 2 emits arrive", n)
	}
	if left := h.LeaveChannels(m, []string{other, m.ClientID()}); len(left) != 2 || reaches() != 0 {
		t.Errorf("after leaving %q, %d emits arrive", left, reaches())
	}
	if !m.In("client:" + m.ClientID()) {
		t.Error("the client has left its own room")
	}
}

func TestLocalIsVolatile(t *testing.T) {
	t.Parallel()
	h, _ := clusterHub(t, nil)
	_, err := h.Publish(context.Background(), Notification{Type: "t", Local: true}, ToAll())
	if err == nil || !strings.HasPrefix(err.Error(), "local: ") {
		t.Error(err)
	}
}
