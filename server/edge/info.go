package edge

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/uuid"
)

const (
	HeaderRequestID    = "X-Request-ID"
	HeaderForwardedFor = "X-Forwarded-For"
	maxRequestIDBytes  = 64
)

// Info is what the middlewares know about a request. Only the goroutine that serves the request
// accesses it.
type Info struct {
	ID  string
	IP  netip.Addr
	Err error // the cause of a 5xx response, for the request log; never sent

	Status   int    // of the response, after its end
	Code     string // of the problem sent, or of a refused stream
	Panicked bool
	// Forwarded: another node has answered. It counts the request and its refusal.
	Forwarded bool
}

type requestInfoKey struct{}

// WithInfo gives every request an id and a client address. The id is that of a well-formed
// X-Request-ID, so that a trace can cross services, else a random one; the response contains it.
// trusted are the networks whose X-Forwarded-For is trusted.
func WithInfo(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(HeaderRequestID)
		if !validRequestID(id) {
			id = uuid.NewString()
		}
		w.Header().Set(HeaderRequestID, id)
		info := &Info{ID: id, IP: forwardedIP(r, trusted)}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info)))
	})
}

// InfoOf returns the request's info. Without WithInfo it has no id and the address of the
// connection.
func InfoOf(r *http.Request) *Info {
	if info, ok := r.Context().Value(requestInfoKey{}).(*Info); ok {
		return info
	}
	return &Info{IP: RemoteIP(r.RemoteAddr)}
}

// ClientIP returns the address that limits count: that of the connection, or the one that a trusted
// proxy reports. It is the zero Addr for a unix socket.
func ClientIP(r *http.Request) netip.Addr { return InfoOf(r).IP }

// forwardedIP reads X-Forwarded-For from the right, which is the end that trusted proxies have
// written. It stops at the first address that is not a trusted proxy: the client may have written
// everything to the left of it.
func forwardedIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	ip := RemoteIP(r.RemoteAddr)
	if !Contains(trusted, ip) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values(HeaderForwardedFor), ","), ",")
	for i := len(hops) - 1; i >= 0 && Contains(trusted, ip); i-- {
		hop := RemoteIP(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		ip = hop
	}
	return ip
}

// RemoteIP reads "host:port", "[v6]:port" or a bare address.
func RemoteIP(s string) netip.Addr {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

func Contains(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

func validRequestID(s string) bool {
	if s == "" || len(s) > maxRequestIDBytes {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
		if !ok {
			return false
		}
	}
	return true
}

// IPFromContext is ClientIP for callers without the request.
func IPFromContext(ctx context.Context) netip.Addr {
	if info, ok := ctx.Value(requestInfoKey{}).(*Info); ok {
		return info.IP
	}
	return netip.Addr{}
}
