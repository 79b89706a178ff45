package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signer is a private key and its algorithm.
type signer struct {
	name   string
	method jwt.SigningMethod
	key    crypto.Signer
}

func signers(t testing.TB) []signer {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []signer{
		{"rsa", jwt.SigningMethodRS256, rsaKey}, {"ed25519", jwt.SigningMethodEdDSA, edKey},
		{"p256", jwt.SigningMethodES256, ecKey(t, elliptic.P256())},
		{"p384", jwt.SigningMethodES384, ecKey(t, elliptic.P384())},
		{"p521", jwt.SigningMethodES512, ecKey(t, elliptic.P521())},
	}
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestPublicKeysVerifyTheirOwnAlgorithmOnly(t *testing.T) {
	all := signers(t)
	for _, held := range all {
		keys, err := ParsePublicKeys(pemOf(t, held.key.Public()))
		if err != nil {
			t.Fatalf("%s: %v", held.name, err)
		}
		a := newAuth(t, Options{PublicKeys: keys})
		if a.Mode() != ModeToken {
			t.Errorf("%s: mode %q with a key", held.name, a.Mode())
		}
		for _, s := range all {
			c := Credentials{Token: signWith(t, s.method, s.key, nil, good(nil))}
			if s.name != held.name {
				refused(t, a, c, ErrInvalid)
			} else if id, err := try(a, c, SocketIO); err != nil || id.UserID != "alice" ||
				!id.Verified {
				t.Errorf("%s: %+v, %v", held.name, id, err)
			}
		}
		// The same key with another algorithm, and with none.
		if held.name == "rsa" {
			for _, method := range []jwt.SigningMethod{
				jwt.SigningMethodRS384,
				jwt.SigningMethodRS512, jwt.SigningMethodPS256,
			} {
				refused(t, a, Credentials{Token: signWith(t, method, held.key, nil, good(nil))},
					ErrInvalid)
			}
		}
		refused(t, a,
			Credentials{Token: signWith(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType,
				nil, good(nil))}, ErrInvalid)
		refused(t, a, Credentials{Token: sign(t, good(nil))}, ErrInvalid)
	}
}

// While an issuer rotates its key, the file has both keys. A secret may be set too.
func TestSeveralKeys(t *testing.T) {
	before, after := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	keys, err := ParsePublicKeys(append(pemOf(t, before.Public()), pemOf(t, after.Public())...))
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	a := newAuth(t, Options{PublicKeys: keys, Secret: testSecret})
	for name, token := range map[string]string{
		"before": signWith(t, jwt.SigningMethodES256, before, nil, good(nil)),
		"after": signWith(t, jwt.SigningMethodES256, after, map[string]any{"kid": "ignored"},
			good(nil)),
		"secret": sign(t, good(nil)),
	} {
		if id, err := try(a, Credentials{Token: token}, EventSource); err != nil ||
			id.UserID != "alice" {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	refused(t, a,
		Credentials{Token: signWith(t, jwt.SigningMethodES256, ecKey(t, elliptic.P256()), nil,
			good(nil))}, ErrInvalid)
}

func TestParsePublicKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec := ecKey(t, elliptic.P256())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: testNow,
		NotAfter: testNow.Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, ec.Public(), ec)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	good := string(pemOf(t, ec.Public()))
	for _, tt := range []struct {
		name, text string
		keys       int
		err        string
	}{
		{"PKIX", good, 1, ""},
		{"PKCS1", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), 1, ""},
		{"certificate", block("CERTIFICATE", certificate), 1, ""},
		{"text around", "the key:\n" + good + "end\n", 1, ""},
		{"eight", strings.Repeat(good, MaxPublicKeys), MaxPublicKeys, ""},
		{"nine", strings.Repeat(good, MaxPublicKeys+1), 0, "more than 8 PEM blocks"},
		{"nothing", "", 0, "no PEM block with a public key"},
		{"a secret", "0123456789abcdef0123456789abcdef", 0, "no PEM block with a public key"},
		{"private", good + block("PRIVATE KEY", private), 0,
			"PEM block 2: got a private key, expected the public key"},
		{"other block", block("DH PARAMETERS", nil), 0,
			`PEM block 1: got "DH PARAMETERS", expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE`},
		{"broken", block("PUBLIC KEY", []byte("x")), 0,
			"PEM block 1: the content is not a key of this type"},
		{"broken certificate", block("CERTIFICATE", []byte("x")), 0,
			"PEM block 1: the content is not a key of this type"},
		{"small modulus", block("RSA PUBLIC KEY",
			x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023),
				E: 65537})), 0, "PEM block 1: got an RSA key of 1024 bits, expected at least 2048"},
		{"P-224", string(pemOf(t, ecKey(t, elliptic.P224()).Public())), 0,
			"PEM block 1: expected an RSA key, an ECDSA key of P-256, P-384 or P-521, " +
				"or an Ed25519 key"},
	} {
		keys, err := ParsePublicKeys([]byte(tt.text))
		if got := errorText(err); got != tt.err || len(keys) != tt.keys {
			t.Errorf("%s: %d keys, error %q, want %d, %q", tt.name, len(keys), got, tt.keys, tt.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParsePublicKeys(f *testing.F) {
	for _, s := range signers(f) {
		f.Add(pemOf(f, s.key.Public()))
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParsePublicKeys(text)
		if (err == nil) != (len(keys) > 0) || len(keys) > MaxPublicKeys {
			t.Fatalf("%d keys, error %v", len(keys), err)
		}
		if err == nil {
			if _, err := New(Options{PublicKeys: keys}); err != nil {
				t.Fatalf("a parsed key is not usable: %v", err)
			}
		}
	})
}

func TestNewRefusesContradictoryKeys(t *testing.T) {
	key := ecKey(t, elliptic.P256()).Public()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{PublicKeys: []crypto.PublicKey{key}, KeySet: &KeySet{}},
			"PublicKeys and KeySet exclude each other"},
		{Options{PublicKeys: []crypto.PublicKey{[]byte("symmetric")}}, "unusable public key"},
		{Options{Mode: ModeTicket}, "ticket mode needs Tickets and no key"},
		{Options{Mode: ModeTicket, Tickets: NewTickets(nil), Secret: testSecret},
			"ticket mode needs Tickets and no key"},
	} {
		if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q in it", err, tt.want)
		}
	}
}

func BenchmarkPublicKey(b *testing.B) {
	for _, s := range signers(b)[:3] {
		b.Run(s.name, func(b *testing.B) {
			a := newAuth(b, Options{PublicKeys: []crypto.PublicKey{s.key.Public()}})
			c := Credentials{Token: signWith(b, s.method, s.key, nil, good(nil))}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := try(a, c, EventSource); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
