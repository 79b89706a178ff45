package keypair

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write returns the name of a new file with this text.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func block(kind string, der []byte, headers map[string]string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der, Headers: headers}))
}

// pair returns a certificate and its key.
func pair(t *testing.T) (cert, key string, der []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", signed, nil), block("PRIVATE KEY", der, nil), der
}

func TestRead(t *testing.T) {
	t.Parallel()
	cert, key, _ := pair(t)
	got, err := Read(write(t, cert+cert), write(t, "Key: with a comment\n"+key))
	if err != nil || len(got.Certificate) != 2 || got.Leaf.DNSNames[0] != "localhost" {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := Read(write(t, cert), os.DevNull); err == nil {
		t.Error("a device is a key")
	}
}

// What is not a pair is an error that names the file and what was expected.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	cert, key, der := pair(t)
	_, other, _ := pair(t)
	half := cert + cert[:len(cert)/2]
	for name, tt := range map[string]struct{ cert, key, want string }{
		"no file":            {"/does/not/exist", write(t, key), "/does/not/exist: no such file"},
		"a directory":        {t.TempDir(), write(t, key), "got a directory, a pipe or a device"},
		"a device":           {"/dev/zero", write(t, key), "/dev/zero: got a directory, a pipe or a device"},
		"a large file":       {write(t, strings.Repeat("x", maxFile+1)), write(t, key), "is larger than 1 MiB"},
		"an empty file":      {write(t, ""), write(t, key), "failed to find any PEM data in certificate input"},
		"half of a file":     {write(t, half), write(t, key), "the last PEM block has no end"},
		"half of a key":      {write(t, cert), write(t, key[:90]), "the last PEM block has no end"},
		"exchanged files":    {write(t, key), write(t, cert), "PEM inputs may have been switched"},
		"the key of another": {write(t, cert), write(t, other), "private key does not match public key"},
		"a password (PKCS 8)": {write(t, cert), write(t, block("ENCRYPTED PRIVATE KEY", der, nil)),
			"the key has a password, expected one without"},
		"a password (OpenSSL)": {write(t, cert), write(t, block("EC PRIVATE KEY", der,
			map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"})),
			"the key has a password, expected one without"},
	} {
		_, err := Read(tt.cert, tt.key)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// FuzzRead proves that no file ends the process.
func FuzzRead(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----"))
	f.Fuzz(func(t *testing.T, text []byte) { _ = check(text) })
}
