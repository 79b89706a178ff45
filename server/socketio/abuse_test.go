package socketio

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

// A packet that the protocol does not allow ends its own connection and no other.
func TestMalformedPacketsCloseOnlyTheirConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	for _, in := range []string{
		"42", "450-", "43", "431", "42{}", `42["connect"]`, "44{}", "48", "4", "420", "42[null]",
		`41x`, `40[]`, `40"x"`,
		"4510000000000-[\"x\"]", `450-["x"]`, `4511-["x"]`, `42/nowhere,["x"]`, `41/nowhere,`,
		`43/nowhere,1[]`,
		`42["` + strings.Repeat("x", 10) + `",` + strings.Repeat("[", 40) +
			strings.Repeat("]", 40) + `]`,
		`451-["x",{"_placeholder":true,"num":0}]` + "\x00binary",
		`451-["x",{"_placeholder":true,"num":0}]` + "\x0042[\"y\"]",
	} {
		c, _ := s.Connect(`{"userId":"u1"}`)
		text, extra, found := strings.Cut(in, "\x00")
		c.Send(text)
		switch {
		case extra == "binary":
			c.SendBinary(make([]byte, 999_990)) // together with its packet over the limit
		case found:
			c.Send(extra)
		}
		for _, got := range c.Closed() {
			if got != "1" {
				t.Errorf("%.40q was answered %q", in, got)
			}
		}
	}
	s.Alive()
}

func TestEventsBeforeConnectClose(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	for _, in := range []string{`42["x"]`, `431[]`, `41`} {
		c := s.Dial("")
		c.Send(in)
		c.Closed()
	}
	c := s.Dial("") // sends nothing
	_ = c
	s.Alive()
}

func TestSilentClientsAreClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.ConnectTimeout = time.Second }) // enough for those that connect
	for range 16 {
		c := s.Dial("")
		defer c.Closed()
	}
	servertest.Eventually(t, "all are closed", func() bool { return s.sio.engine.Len() == 0 })
	s.Alive()
}

// A client that was refused, or has disconnected, can send another CONNECT for a while.
func TestClientsWithoutANamespaceAreClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.ConnectTimeout = 50 * time.Millisecond })
	s.sio.Of("/members").OnConnect(func(context.Context, *Conn) error {
		return Refuse("members only", nil)
	})
	for _, packets := range [][]string{
		{`40/members,{"userId":"u1"}`},
		{`40{"userId":"u1"}`, "41"},
	} {
		c := s.Dial("")
		for _, packet := range packets {
			_ = c.Conn.WriteMessage(1, []byte(packet)) // the server may close first
		}
		c.Closed()
	}
}

// All places are taken. After a second the oldest one would give its place to another address, and the
// answer is that this address has too many.
func TestSilentClientsAreLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.ConnectTimeout = time.Hour
		o.Limits = limit.New(limit.Options{MaxConnections: 20})
	})
	for range 16 {
		s.Dial("")
	}
	url := "http://" + s.Base + "/socket.io/?EIO=4&transport=polling"
	res, body := servertest.Do(t, "GET", url, "")
	if res.StatusCode != 503 && res.StatusCode != 429 {
		t.Errorf("one more silent client got %d %s", res.StatusCode, body)
	}
}

func TestAttachmentsTimeOut(t *testing.T) {
	t.Parallel()
	var a assembly
	p, err := a.add([]byte(`51-["x",{"_placeholder":true,"num":0}]`), false, 1000, standardLimits)
	if p != nil || err != nil {
		t.Fatal(p, err)
	}
	if now := time.Now(); a.overdue(now.Add(9*time.Second)) || !a.overdue(now.Add(11*time.Second)) {
		t.Error("overdue is not after ten seconds")
	}
}
