package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxPublicKeys is the maximum number of keys that [ParsePublicKeys] reads. An issuer that
	// rotates keys needs two at a time.
	MaxPublicKeys = 8
	minRSA        = 2048 // bits (RFC 7518, section 3.3)
)

// ParsePublicKeys reads the public keys of a PEM file. Blocks may be PUBLIC KEY, RSA PUBLIC KEY or
// CERTIFICATE, of which only the key is used. Several keys let an issuer rotate its key without a
// gap. RSA keys of at least 2048 bits verify RS256, keys of P-256, P-384 and P-521 verify ES256,
// ES384 and ES512, Ed25519 keys verify EdDSA. An error names the number of the wrong block and
// contains nothing of its content.
func ParsePublicKeys(text []byte) ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if len(keys) == MaxPublicKeys {
			return nil, fmt.Errorf("more than %d PEM blocks", MaxPublicKeys)
		}
		key, err := parseBlock(block)
		if err == nil {
			_, err = algorithmOf(key, "")
		}
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block with a public key")
	}
	return keys, nil
}

func parseBlock(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		return key, unreadable(err)
	case "RSA PUBLIC KEY":
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		return key, unreadable(err)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, unreadable(err)
		}
		return certificate.PublicKey, nil
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("got a private key, expected the public key")
	default:
		return nil, fmt.Errorf("got %.40q, expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE",
			block.Type)
	}
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("the content is not a key of this type")
}

// rsaMethods are the algorithms that a key set may declare for an RSA key.
var rsaMethods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}

// asymmetric are all algorithms that algorithmOf may return.
var asymmetric = append(slices.Clone(rsaMethods), "ES256", "ES384", "ES512",
	jwt.SigningMethodEdDSA.Alg())

// algorithmOf returns the one algorithm that a key may verify (RFC 8725, section 3.1). declared is
// the alg of the key in a key set, or "". A symmetric key is refused: everyone who can read the key
// set could sign with it.
func algorithmOf(key crypto.PublicKey, declared string) (string, error) {
	var algorithm string
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA {
			return "", fmt.Errorf("got an RSA key of %d bits, expected at least %d", bits, minRSA)
		}
		if slices.Contains(rsaMethods, declared) {
			return declared, nil
		}
		algorithm = "RS256"
	case *ecdsa.PublicKey:
		names := map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}
		algorithm = names[k.Curve.Params().BitSize]
	case ed25519.PublicKey:
		algorithm = jwt.SigningMethodEdDSA.Alg()
	}
	if algorithm == "" {
		return "", errors.New("expected an RSA key, an ECDSA key of P-256, P-384 or P-521, " +
			"or an Ed25519 key")
	}
	if declared != "" && declared != algorithm {
		return "", fmt.Errorf("the alg of the key is %.20q, expected %s", declared, algorithm)
	}
	return algorithm, nil
}

// keyring holds the keys of each algorithm. An algorithm without a key is refused, so that a token
// cannot choose how a key is used (RFC 8725, section 3.1): a public RSA key, for example, is never
// used as an HMAC secret.
type keyring struct {
	fixed map[string]jwt.VerificationKeySet
	set   *KeySet // has the keys of the algorithms that are not in fixed; nil: none
}

func newKeyring(o Options) (keyring, error) {
	k := keyring{fixed: make(map[string]jwt.VerificationKeySet), set: o.KeySet}
	if len(o.Secret) > 0 {
		keys := jwt.VerificationKeySet{Keys: []jwt.VerificationKey{[]byte(slices.Clone(o.Secret))}}
		for _, secret := range o.Further {
			keys.Keys = append(keys.Keys, []byte(slices.Clone(secret)))
		}
		k.fixed[jwt.SigningMethodHS256.Alg()] = keys
	}
	for _, key := range o.PublicKeys {
		algorithm, err := algorithmOf(key, "")
		if err != nil {
			return keyring{}, fmt.Errorf("auth: unusable public key: %w", err)
		}
		keys := k.fixed[algorithm]
		keys.Keys = append(keys.Keys, key)
		k.fixed[algorithm] = keys
	}
	return k, nil
}

// methods returns every algorithm that a key may have.
func (k keyring) methods() []string {
	var all []string
	for algorithm := range k.fixed {
		all = append(all, algorithm)
	}
	if k.set != nil {
		all = append(all, asymmetric...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// find returns the key for a token's header. It reads alg and kid only: with jku, x5u, jwk and x5c
// a token could bring its own key. kid is bounded in length; it names a key of the key set, and
// fixed keys ignore it.
func (k keyring) find(header map[string]any) (any, error) {
	kid, given := header["kid"].(string)
	if _, there := header["kid"]; there && !given || len(kid) > maxKeyID {
		return nil, errors.New("kid is not a string of at most 64 bytes")
	}
	if _, given := header["crit"]; given {
		return nil, errors.New("crit names unknown extensions") // RFC 7515, section 4.1.11
	}
	algorithm, _ := header["alg"].(string)
	if keys, ok := k.fixed[algorithm]; ok {
		return keys, nil
	}
	if k.set == nil {
		return nil, errors.New("no key for this algorithm")
	}
	return k.set.find(kid, algorithm)
}
