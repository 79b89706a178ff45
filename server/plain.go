package server

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"go.uber.org/zap"
)

// plainListener is the listener without TLS beside that with TLS.
type plainListener struct {
	srv  *http.Server
	done chan struct{}
}

// startCertificates opens the listener without TLS, and starts the certificates. Without them it
// returns nil, which close accepts.
func (s *Service) startCertificates(ctx context.Context, https net.Addr) (*plainListener, error) {
	if s.o.Certificates == nil {
		return nil, nil
	}
	var p *plainListener
	var address net.Addr
	if s.o.PlainAddr != "" {
		l, err := listenTCP(ctx, s.o.PlainAddr)
		if err != nil {
			return nil, fmt.Errorf("ACME_HTTP_ADDR: %w", err)
		}
		address = l.Addr()
		p = &plainListener{newHTTPServer(s.o.Certificates, s.o.Log), make(chan struct{})}
		go func() {
			defer close(p.done)
			// It returns after close.
			_ = p.srv.Serve(newCounted(l, s.o.Descriptors, false, s.o.TrustedProxies, s.o.Log))
		}()
		s.o.Log.Info("listening without TLS, for challenges and redirects",
			zap.String("address", address.String()))
	}
	if err := s.o.Certificates.Start(https, address); err != nil {
		p.close()
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return p, nil
}

func (p *plainListener) close() {
	if p != nil {
		_ = p.srv.Close()
		<-p.done
	}
}
