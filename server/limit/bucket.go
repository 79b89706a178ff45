package limit

import "net/netip"

// Bucket returns the address for which a client counts: an IPv4 address itself, or the /64 of an
// IPv6 address, because one subscriber owns a whole /64.
func Bucket(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
