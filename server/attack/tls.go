//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// clientTLS is the configuration of all clients. They accept any certificate, because they connect
// to their own server on loopback.
func clientTLS(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}
}

// handshake makes a TLS connection of one to the server. It closes conn after a failure.
func (t *target) handshake(ctx context.Context, conn net.Conn, protocol string) (net.Conn, error) {
	secure := tls.Client(conn, clientTLS(protocol))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// makeCertificate writes a certificate for a day and its key to a directory, and returns the
// settings of a server that uses them.
func makeCertificate(directory string) ([]string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var settings []string
	for _, f := range []struct {
		setting, name, kind string
		der                 []byte
	}{
		{"TLS_CERT_FILE", "certificate.pem", "CERTIFICATE", certificate},
		{"TLS_KEY_FILE", "key.pem", "PRIVATE KEY", private},
	} {
		path := filepath.Join(directory, f.name)
		text := pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, err
		}
		settings = append(settings, f.setting+"="+path)
	}
	return settings, nil
}
