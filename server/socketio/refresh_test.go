package socketio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func refreshPacket(id, token string) string {
	return fmt.Sprintf(`42%s["auth:refresh",{"token":%q}]`, id, token)
}

// A new token sets a new end of the connection and a new warning before it.
func TestRefreshMovesExpiry(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { withTokens(t)(o); o.SweepInterval = 20 * time.Millisecond })
	begin := time.Now()
	c := s.Dial("")
	c.Join(`{"token":"` + servertest.TokenFor(t, begin.Add(2*time.Second)) + `"}`)
	c.Event("auth:expiring", nil)

	end := begin.Add(4 * time.Second).Truncate(time.Second)
	c.Send(refreshPacket("7", servertest.TokenFor(t, end)))
	want := fmt.Sprintf(`{"type":"auth:refreshed","expiresAt":"%s"}`, notify.Timestamp(end))
	if got := c.Read(); !strings.HasPrefix(got, `42["auth:refreshed",`+want+`,"`) {
		t.Fatalf("got %s", got)
	}
	if got := c.Read(); got != "437["+want+"]" {
		t.Fatalf("got %s", got)
	}
	var expiring struct{ ExpiresAt string }
	c.Event("auth:expiring", &expiring)
	if expiring.ExpiresAt != notify.Timestamp(end) {
		t.Errorf("warned of %s, want %s", expiring.ExpiresAt, notify.Timestamp(end))
	}
	c.Event("auth:expired", nil)
	if now := time.Now(); now.Before(end) {
		t.Errorf("ended %s before the new end", end.Sub(now))
	}
	c.Closed()
}
