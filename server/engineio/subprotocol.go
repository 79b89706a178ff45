package engineio

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const subprotocolKey = "Sec-Websocket-Protocol"

// subprotocolHeader returns the header that selects a subprotocol of a WebSocket handshake: the
// first that the client offers, as a Node server does. Engine.IO defines none, but a browser closes
// the connection when its page offers some and the server selects none.
func subprotocolHeader(request http.Header) (http.Header, error) {
	lines, offered := request[subprotocolKey]
	if !offered {
		return nil, nil
	}
	// RFC 6455 section 4.1: the elements are tokens, and each is unique. Section 11.3.4: there may
	// be several lines.
	names := strings.Split(strings.Join(lines, ","), ",")
	for i, name := range names {
		names[i] = strings.Trim(name, " \t")
		if !isToken(names[i]) || slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("engineio: subprotocol %q: expected unique tokens", names[i])
		}
	}
	return http.Header{subprotocolKey: names[:1]}, nil
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
