package engineio

import (
	"encoding/base64"
	"net/http"
)

// checkUpgrade checks the opening handshake of a WebSocket (RFC 6455 section 4.2.1) beyond the
// tokens in Connection and Upgrade.
func checkUpgrade(r *http.Request) *refusal {
	versions, keys := r.Header["Sec-Websocket-Version"], r.Header["Sec-Websocket-Key"]
	switch {
	case r.Method != http.MethodGet, !r.ProtoAtLeast(1, 1):
		return &errRequest
	case r.ContentLength != 0: // the first bytes of the WebSocket would be those of the body
		return &errRequest
	case len(versions) != 1 || versions[0] != "13":
		return &errVersion // section 4.4
	case len(keys) != 1 || !isNonce(keys[0]):
		return &errRequest
	}
	return nil
}

// isNonce reports whether a key is the base64 of 16 bytes.
func isNonce(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == 16
}
