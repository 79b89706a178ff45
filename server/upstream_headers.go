package server

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/server/edge"
)

// rewrite keeps the Host of the client, because the application has the same name, and sets
// X-Forwarded-* to the origin of the request. It keeps the headers of proxies that the client sends
// only if the client is a trusted proxy.
func (u *upstream) rewrite(r *httputil.ProxyRequest, origin *url.URL) {
	r.SetURL(origin)
	r.Out.Host = r.In.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // also one that Go would refuse to parse
	trusted := edge.Contains(u.trusted, edge.RemoteIP(r.In.RemoteAddr))
	if trusted {
		r.Out.Header[edge.HeaderForwardedFor] = r.In.Header[edge.HeaderForwardedFor]
	} else {
		dropProxyHeaders(r.Out.Header)
		dropProxyHeaders(r.Out.Trailer)
	}
	r.SetXForwarded()
	for _, name := range []string{"Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if value := r.In.Header.Get(name); trusted && value != "" {
			r.Out.Header.Set(name, value)
		}
	}
	r.Out.Header.Set(edge.HeaderRequestID, edge.InfoOf(r.In).ID)
	r.Out.Header.Add("Via", fmt.Sprintf("%d.%d %s", r.In.ProtoMajor, r.In.ProtoMinor, u.via))
}

// proxyHeaders are headers by which proxies tell an application the address of the client, the
// scheme, the host or the path, in lower case. Frameworks believe them, some without a setting, so
// a stranger could pass a rule for paths or addresses with them. Besides these there are the
// prefixes x-forwarded- and x-original-.
var proxyHeaders = []string{
	"cf-connecting-ipv6", "client-ip", "forwarded", "forwarded-for", "front-end-https", "proxy",
	"remote-addr", "x-appengine-user-ip", "x-azure-clientip", "x-azure-socketip",
	"x-envoy-external-address", "x-forwarded", "x-host", "x-http-host-override",
	"x-middleware-subrequest", "x-proxyuser-ip", "x-real-ip", "x-remote-addr", "x-remote-ip",
	"x-rewrite-url", "x-scheme", "x-url-scheme",
}

// proxyEndings are the endings of the headers of further proxies.
var proxyEndings = []string{"-client-ip", "-connecting-ip", "-forwarded-for"}

// dropProxyHeaders removes the headers of proxies. An underscore counts as a hyphen: CGI and WSGI
// do not distinguish them.
func dropProxyHeaders(h http.Header) {
	for name := range h {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if slices.Contains(proxyHeaders, plain) || strings.HasPrefix(plain, "x-forwarded-") ||
			strings.HasPrefix(plain, "x-original-") || slices.ContainsFunc(proxyEndings,
			func(ending string) bool { return strings.HasSuffix(plain, ending) }) {
			delete(h, name)
		}
	}
}
