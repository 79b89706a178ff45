package api

import (
	"net/netip"
	"testing"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// The reply is what the proxies made of the request; X-Forwarded-For counts only from trusted ones.
func TestShowRequest(t *testing.T) {
	t.Parallel()
	for address, trusted := range map[string][]netip.Prefix{
		"127.0.0.1": nil, "198.51.100.7": {netip.MustParsePrefix("127.0.0.0/8")},
	} {
		options := testOptions(servertest.NewHub(t), servertest.Key)
		base := "http://" + servertest.Serve(t, edge.WithInfo(trusted, New(options)))
		res, text := servertest.Do(t, "GET", base+"/v1/request", "", "Authorization: Bearer "+servertest.Key,
			"Host: push.example.com", "X-Forwarded-For: 198.51.100.7")
		want := `{"address":"` + address + `","peer":"127.0.0.1","protocol":"HTTP/1.1",` +
			`"host":"push.example.com","forwardedFor":"198.51.100.7"}` + "\n"
		if res.StatusCode != 200 || text != want {
			t.Errorf("%d %s, want %s", res.StatusCode, text, want)
		}
	}
}
