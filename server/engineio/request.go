package engineio

import (
	"context"
	"net/http"
	"strings"
)

// headerBytes counts the header lines of a request as they were on the wire.
func headerBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// trim returns what a session keeps of its handshake: not the body, the connection's own headers or anything
// else that leads to the buffers of net/http.
func trim(ctx context.Context, r *http.Request) *http.Request {
	url := *r.URL
	kept := (&http.Request{
		Method: r.Method, URL: &url, Host: r.Host, RemoteAddr: r.RemoteAddr, RequestURI: r.RequestURI, TLS: r.TLS,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: make(http.Header, 4), Body: http.NoBody,
	}).WithContext(ctx)
	for name, values := range r.Header {
		if !passing(name) {
			kept.Header[name] = values
		}
	}
	return kept
}

// passing reports whether a header speaks of the connection or the representation, not of the client.
func passing(name string) bool {
	switch name {
	case "Connection", "Upgrade", "Accept", "Accept-Encoding", "Cache-Control", "Pragma", "Priority", "Dnt",
		"Content-Length", "Content-Type", "Te", "If-None-Match", "If-Modified-Since":
		return true
	}
	return strings.HasPrefix(name, "Sec-")
}
