package verify

import (
	"strings"
	"testing"
	"time"
)

// What a proxy or another server sends ends in an event or an error, never in a panic, and an id has
// no line end.
func FuzzReadStream(f *testing.F) {
	f.Add("retry: 1000\nid: 5f3a9c01-1\nevent: connected\ndata: {\"clientId\":\"x\"}\n\n: heartbeat\n\n")
	f.Add("data\r\n\r\ndata: a\ndata: b\n\nid\n")
	f.Fuzz(func(t *testing.T, text string) {
		err := readStream(strings.NewReader(text), func(ev event) error {
			if strings.ContainsAny(ev.name+ev.id, "\n") || len(ev.data) == 0 {
				t.Errorf("%+v", ev)
			}
			return nil
		})
		if err == nil {
			t.Error("a stream ended without an error")
		}
	})
}

func FuzzPacket(f *testing.F) {
	for _, packet := range []string{
		`0{"sid":"x","pingInterval":25000}`, `1`, `2`, `40{"sid":"y"}`,
		`42["roomcast-verify",{"data":{"run":"r","n":3}},"5f3a9c01-1"]`, `451-7["a"]`,
		`44{"message":"no"}`, `4`,
	} {
		f.Add(packet)
	}
	f.Fuzz(func(t *testing.T, packet string) {
		r, err := newRun(testOptions("127.0.0.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		l := r.listener(webSocket)
		_ = l.packet(func(answer string) error {
			if !strings.HasPrefix(answer, "40{") && answer != "3" {
				t.Errorf("answered %q", answer)
			}
			return nil
		}, nil, packet)
		if l.opens > 1 {
			t.Errorf("%d connections", l.opens)
		}
	})
}

// Claims are of others, so any of them has an explanation.
func FuzzReadClaims(f *testing.F) {
	f.Add("e30.eyJzdWIiOiJ1MSIsImV4cCI6MX0.x")
	f.Add("a.eyJleHAiOjFlMzAwLCJjaGFubmVscyI6WyJhIiwiYiJdfQ.b")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := readClaims(token)
		if err == nil && c.String() == "" || err != nil && err.Error() == "" {
			t.Errorf("%+v %v", c, err)
		}
		_ = c.mistakes(token, time.Unix(1e9, 0))
	})
}
