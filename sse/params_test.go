package sse

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/rooms"
)

// A channel with commas and the channels of an array reach the stream as they are.
func TestChannelParameters(t *testing.T) { bothWays(t, testChannelParameters) }

func testChannelParameters(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	for query, want := range map[string][]string{
		"channel=geo:52.52,13.40&channel=b":                {"b", "geo:52.52,13.40"},
		"channels=a,b&channel=c%2Cd":                       {"a", "b", "c,d"},
		"channels[]=a,b&channels%5B%5D=c":                  {"a,b", "c"},
		"channels[0]=a&channels%5B1%5D=b&_=17&t=8&chanel=": {"a", "b"},
		"channel=a;b": {"a;b"},
	} {
		c := open(t, srv.URL+"/sse?userId=u1&"+query)
		got := slices.DeleteFunc(r.hub.Member("/", c.hello.ClientID).Rooms(), notChannel)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func notChannel(room string) bool { return !rooms.IsChannel(room) }

// A stream ignores parameters that it does not know, and logs each name once.
func TestUnknownParameters(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	u := unknown{log: zap.New(core)}
	note := func(query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		u.note(values)
	}
	for range 2 {
		note("userId=u1&channel=a&channels[]=b&as=x&envelope=true&since=0&lastEventId=&_=1")
		note("chanel=secret")
		note("Channels=secret")
		note("channles%5B%5D=secret")
		note("user_id=secret")
		note("last-event-id=secret")
		note("access_token=secret")
		note("topic=secret")
		note("page=1")
		note(strings.Repeat("t", maxParameter+1) + "=a") // could be a token
	}
	var got []string
	for _, entry := range logs.All() {
		fields := entry.ContextMap()
		got = append(got, fmt.Sprint(entry.Level, " ", fields["name"], " ", fields["did_you_mean"]))
	}
	want := []string{
		"debug _ <nil>", "warn chanel channel", "warn Channels channels",
		"warn channles[] channel", "warn user_id userId", "warn last-event-id lastEventId",
		"warn access_token token", "warn topic channel", "debug page <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 2 * maxUnknown {
		note(fmt.Sprint("p", i))
	}
	if n := logs.Len(); n != maxUnknown {
		t.Errorf("%d names are logged, want %d", n, maxUnknown)
	}
}
