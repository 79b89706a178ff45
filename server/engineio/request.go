package engineio

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// headerBytes returns the size of a request's header lines on the wire.
func headerBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// request is the part of the handshake that a session retains. It has no body, no headers of the
// connection, no maps, and nothing that refers to the buffers of net/http.
type request struct {
	uri, path, query string
	host, addr       string
	tls              *tls.ConnectionState
	header           []string // names and values in turn
	major, minor     uint8    // of HTTP
}

// trim copies the parts of r to retain.
func trim(r *http.Request) request {
	kept := request{
		uri: r.RequestURI, path: r.URL.Path, query: r.URL.RawQuery, host: r.Host,
		addr: r.RemoteAddr, tls: r.TLS,
		major: uint8(r.ProtoMajor), minor: uint8(r.ProtoMinor),
	}
	n := 0
	for name, values := range r.Header {
		if !passing(name) {
			n += 2 * len(values)
		}
	}
	kept.header = make([]string, 0, n)
	for name, values := range r.Header {
		if passing(name) {
			continue
		}
		for _, v := range values {
			kept.header = append(kept.header, name, v)
		}
	}
	return kept
}

// restore builds a request from the retained parts.
func (k *request) restore(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: k.path, RawQuery: k.query}, RequestURI: k.uri,
		Host: k.host, RemoteAddr: k.addr, TLS: k.tls,
		Proto:      fmt.Sprintf("HTTP/%d.%d", k.major, k.minor),
		ProtoMajor: int(k.major), ProtoMinor: int(k.minor),
		Header: make(http.Header, len(k.header)/2), Body: http.NoBody,
	}
	for i := 0; i < len(k.header); i += 2 {
		r.Header[k.header[i]] = append(r.Header[k.header[i]], k.header[i+1])
	}
	return r.WithContext(ctx)
}

// passing reports whether a header describes the connection or the representation and not the
// client.
func passing(name string) bool {
	switch name {
	case "Connection", "Upgrade", "Accept", "Accept-Encoding", "Cache-Control", "Pragma",
		"Priority", "Dnt",
		"Content-Length", "Content-Type", "Te", "If-None-Match", "If-Modified-Since":
		return true
	}
	// Sec-Fetch-Site says where the page is from, which Origin does not on a GET to the page's own
	// host.
	return strings.HasPrefix(name, "Sec-") && name != "Sec-Fetch-Site"
}
