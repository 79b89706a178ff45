// Package keypair reads the certificate of a listener and its key from two files.
package keypair

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile is the maximum size of a file.
const maxFile = 1 << 20

// Read reads a certificate, with its chain, and its key. A file must be complete, which one is not
// while a program writes it, and must be a file that can be read again, because a renewed certificate
// is read from the same names. Errors name the file and show nothing that it has.
func Read(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := readPEM(certFile)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// readPEM returns a file of PEM blocks.
func readPEM(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: got a directory, a pipe or a device, expected a file that can be read "+
			"again", name)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	if err := check(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// check refuses blocks without an end, and keys that need a password.
func check(text []byte) error {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			if bytes.Contains(text, []byte("-----BEGIN")) {
				return errors.New("the last PEM block has no end")
			}
			return nil
		}
		if strings.HasPrefix(block.Type, "ENCRYPTED ") ||
			strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return errors.New("the key has a password, expected one without, such as the output " +
				"of: openssl pkey -in FILE")
		}
		text = rest
	}
}
