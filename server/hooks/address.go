package hooks

import (
	"fmt"
	"net/netip"
	"syscall"
)

// deniedError is the error for an address to which no request is sent.
type deniedError struct{ addr netip.Addr }

func (e *deniedError) Error() string {
	return fmt.Sprintf("%s is not an address for hooks", e.addr)
}

// never are networks of the machine itself and of its provider, which answers there to whoever asks
// from the machine, among other things with its credentials.
var never = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.0/24",
	"::/128", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::/32",
)

// private are networks that the internet does not reach.
var private = prefixes(
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
	"198.18.0.0/15", "::1/128", "fc00::/7", "fec0::/10",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// allowed returns a function for net.Dialer, which calls it with the address after the name was
// looked up, so that a name cannot change between the check and the connection.
func allowed(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %q: %w", address, err)
		}
		for _, addr := range meanings(to.Addr()) {
			if within(addr, never) || !allowPrivate && within(addr, private) {
				return &deniedError{to.Addr()}
			}
		}
		return nil
	}
}

func within(addr netip.Addr, networks []netip.Prefix) bool {
	for _, network := range networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// embedding are the IPv6 networks whose addresses have an IPv4 address in them, at a byte.
var embedding = []struct {
	network  netip.Prefix
	at       int
	inverted bool
}{
	{netip.MustParsePrefix("::/96"), 12, false},          // IPv4-compatible
	{netip.MustParsePrefix("64:ff9b::/96"), 12, false},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, false}, // NAT64 of a site
	{netip.MustParsePrefix("2002::/16"), 2, false},       // 6to4
	{netip.MustParsePrefix("2001::/32"), 12, true},       // Teredo
}

// meanings returns an address and the IPv4 address that a gateway would find in it.
func meanings(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("").Unmap()
	all := []netip.Addr{addr}
	if addr.Is4() || addr == netip.IPv6Loopback() {
		return all
	}
	b := addr.As16()
	for _, e := range embedding {
		if !e.network.Contains(addr) {
			continue
		}
		v4 := [4]byte(b[e.at : e.at+4])
		if e.inverted {
			for i := range v4 {
				v4[i] = ^v4[i]
			}
		}
		all = append(all, netip.AddrFrom4(v4))
	}
	return all
}
