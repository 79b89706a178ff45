//lint:file-ignore SA1019 net/http has no other way to serve HTTP/2 on a connection that a program wraps.

package server

import (
	"context"
	"crypto/tls"
	"net/http"

	"golang.org/x/net/http2"

	"github.com/roomcast/roomcast/server/limit"
)

// countFrames makes a server with a TLSConfig serve HTTP/2 on connections that bound their frames.
func countFrames(s *http.Server) error {
	h2 := new(http2.Server)
	if err := http2.ConfigureServer(s, h2); err != nil {
		return err
	}
	s.TLSNextProto[http2.NextProtoTLS] = func(s *http.Server, conn *tls.Conn, h http.Handler) {
		options := http2.ServeConnOpts{BaseConfig: s, Handler: h}
		if c, ok := h.(interface{ BaseContext() context.Context }); ok { // the handlers of net/http
			options.Context = c.BaseContext()
		}
		h2.ServeConn(limit.NewHTTP2Conn(conn), &options)
	}
	return nil
}
