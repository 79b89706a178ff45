package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// spoofed is an address for documentation (RFC 5737), which the check claims to have.
const spoofed = "203.0.113.77"

// arrival is how a request arrives at the server: the reply of GET /v1/request.
type arrival struct {
	Address      string // of the client, as limits count it
	Peer         string // of the connection
	Protocol     string
	Host         string
	ForwardedFor string
}

// arrival checks how requests arrive at the server. Only the server can tell, and it tells those
// who have a key.
func (r *run) arrival(ctx context.Context) {
	r.begin("arrival")
	if r.o.Key == "" {
		r.skip("how requests arrive at the server, such as the address of the client, is shown only to " +
			"those who have an API key")
		return
	}
	req := r.request(ctx, http.MethodGet, r.url("/v1/request", nil), "", "X-Forwarded-For", spoofed)
	r.sign(req)
	a, err := r.do(r.http, req)
	var seen arrival
	switch {
	case err != nil:
		r.note("GET /v1/request: %v", err)
		return
	case a.status != http.StatusOK || json.Unmarshal(a.body, &seen) != nil:
		r.skip("this version of the server does not show how requests arrive (%s)", a)
		return
	}
	name, detail := judge(seen, r.near())
	if seen.Protocol == "HTTP/1.0" {
		r.fault("http10", "requests arrive at the server with HTTP/1.0, which has no WebSocket")
	}
	if name != "" {
		r.fault(name, "%s", detail)
	}
	if name == "" && seen.Protocol != "HTTP/1.0" {
		if seen.Address == spoofed { // the server trusts this machine, or a proxy on it
			seen.Address = "this machine"
		}
		r.ok("requests arrive with %s, for the host %s, from the client %s", seen.Protocol, seen.Host,
			seen.Address)
	}
}

// near reports whether the host of the URL is this machine.
func (r *run) near() bool {
	host := r.o.Base.Hostname()
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || host == "localhost" ||
		err != nil && strings.HasSuffix(host, ".localhost")
}

// judge compares the address that the server counts with those on the way. near: the client is on
// the machine of the proxy, where all addresses are loopback.
func judge(seen arrival, near bool) (fault, detail string) {
	hops := strings.Split(seen.ForwardedFor, ",")
	last := strings.TrimSpace(hops[len(hops)-1])
	peer, _ := netip.ParseAddr(seen.Peer)
	from := cmp.Or(seen.Peer, "a Unix socket")
	switch {
	case last != spoofed && last != "" && net.ParseIP(last) != nil && seen.Address == seen.Peer &&
		last != seen.Peer:
		return "address", "the server counts all clients as " + from + ", the proxy, although " +
			"X-Forwarded-For names the client"
	case last != spoofed && len(hops) > 1 && seen.Address == seen.Peer:
		// On one machine the addresses are equal, but the server would have read on.
		return "address", "the server does not read the X-Forwarded-For of " + from
	case near:
		return "", ""
	case seen.Address == spoofed && last == spoofed:
		return "forwarded", "the server believes the X-Forwarded-For that a client writes: the proxy " +
			"passes it on"
	case seen.Address == seen.Peer && (peer.IsLoopback() || peer.IsPrivate()) &&
		(seen.ForwardedFor == "" || last == spoofed):
		return "address", "the server counts the client as " + from + ", and no X-Forwarded-For " +
			"names the client"
	}
	return "", ""
}
