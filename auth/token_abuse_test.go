package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// unsigned builds a token from its parts.
func unsigned(header, claims, signature string) string {
	return b64(header) + "." + b64(claims) + "." + b64(signature)
}

// RFC 8725, section 2.1: "none" in every spelling, and algorithms without a key.
func TestTokenRefusesOtherAlgorithms(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	claims, err := json.Marshal(good(nil))
	if err != nil {
		t.Fatal(err)
	}
	valid := sign(t, good(nil))
	parts := strings.Split(valid, ".")
	tokens := map[string]string{
		"valid signature, header changed": b64(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2],
		"HS384": signWith(t, jwt.SigningMethodHS384, []byte(testSecret),
			nil, good(nil)),
		"HS512": signWith(t, jwt.SigningMethodHS512, []byte(testSecret),
			nil, good(nil)),
		"none by the library": signWith(t, jwt.SigningMethodNone,
			jwt.UnsafeAllowNoneSignatureType, nil, good(nil)),
	}
	for _, alg := range []string{
		`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `"none "`, `""`, `null`, `0`, `["HS256"]`,
		`{"a":"HS256"}`,
		`"hs256"`, `"HS256 "`, `"RS256"`, `"ES256"`, `"EdDSA"`, `"PS256"`, `"dir"`,
	} {
		for _, signature := range []string{"", "x", strings.Repeat("\x00", 32)} {
			tokens["alg "+alg+" "+signature] = unsigned(`{"typ":"JWT","alg":`+alg+`}`,
				string(claims), signature)
		}
	}
	tokens["no alg"] = unsigned(`{"typ":"JWT"}`, string(claims), "")
	tokens["two algs"] = unsigned(`{"alg":"HS256","alg":"none"}`, string(claims), "")
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			refused(t, a, Credentials{Token: token}, ErrInvalid)
			refused(t, a, Credentials{Token: token, FromCookie: true, OriginKnown: true},
				ErrInvalid)
		})
	}
}

// A public RSA key is no HMAC secret in any encoding, because everyone knows it.
func TestTokenRefusesPublicKeyAsSecret(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemBytes := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	// A server that verifies RS256 has the public key for RS256 only.
	public, err := ParsePublicKeys(pemBytes)
	if err != nil {
		t.Fatal(err)
	}
	a := newAuth(t, Options{PublicKeys: public})
	if id, err := try(a,
		Credentials{Token: signWith(t, jwt.SigningMethodRS256, key, nil, good(nil))},
		EventSource); err != nil || id.UserID != "alice" {
		t.Fatalf("RS256 with its key: %+v, %v", id, err)
	}
	for name, secret := range map[string][]byte{
		"PEM": pemBytes, "PEM without end": []byte(strings.TrimSpace(string(pemBytes))), "DER": der,
		"PKCS1": x509.MarshalPKCS1PublicKey(&key.PublicKey), "modulus": key.N.Bytes(),
	} {
		if id, err := try(a,
			Credentials{Token: signWith(t, jwt.SigningMethodHS256, secret, nil, good(nil))},
			EventSource); err == nil {
			t.Errorf("HS256 with the public key as %s was accepted: %+v", name, id)
		}
	}
	// A server with a secret accepts no RS256 token.
	refused(t, newAuth(t, Options{Secret: testSecret}),
		Credentials{Token: signWith(t, jwt.SigningMethodRS256, key, nil, good(nil))}, ErrInvalid)
}

// The header chooses no key: no file, no URL, and no key in the token.
func TestTokenHeaderChoosesNoKey(t *testing.T) {
	asked := make(chan string, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	defer func() { _ = server.Close(); <-served }()
	url := "http://" + listener.Addr().String()

	evil := []byte("the attacker's own key of 32 byte")
	jwk := map[string]any{"kty": "oct", "alg": "HS256",
		"k": base64.RawURLEncoding.EncodeToString(evil)}
	a := newAuth(t, Options{Secret: testSecret})
	for name, header := range map[string]map[string]any{
		"jwk":                    {"jwk": jwk},
		"jku":                    {"jku": url + "/jku", "kid": "1"},
		"x5u":                    {"x5u": url + "/x5u"},
		"x5c":                    {"x5c": []string{base64.StdEncoding.EncodeToString(evil)}},
		"kid path":               {"kid": "../../../../dev/null"},
		"kid url":                {"kid": url + "/kid"},
		"kid sql":                {"kid": "x' UNION SELECT '" + string(evil)},
		"kid as key":             {"kid": string(evil)},
		"everything a token can": {"jwk": jwk, "jku": url, "x5u": url, "kid": "1", "x5t": "x"},
	} {
		for keyName, key := range map[string][]byte{"own key": evil, "empty key": {}, "nul": {0}} {
			t.Run(name+", "+keyName, func(t *testing.T) {
				refused(t, a,
					Credentials{Token: signWith(t, jwt.SigningMethodHS256, key, header, good(nil))},
					ErrInvalid)
			})
		}
	}
	select {
	case path := <-asked:
		t.Errorf("the server fetched %s", path)
	default:
	}

	for name, header := range map[string]map[string]any{
		"kid too long":  {"kid": strings.Repeat("k", maxKeyID+1)},
		"kid 1 MB":      {"kid": strings.Repeat("k", 1<<20)},
		"kid a number":  {"kid": 1},
		"kid null":      {"kid": nil},
		"crit":          {"crit": []string{"exp"}},
		"a long header": {"x": strings.Repeat("x", maxHeader)},
	} {
		t.Run(name+", right key", func(t *testing.T) {
			refused(t, a,
				Credentials{Token: signWith(t, jwt.SigningMethodHS256, []byte(testSecret), header,
					good(nil))}, ErrInvalid)
		})
	}
	// Many issuers send a kid, so a well-formed one is accepted.
	ok := signWith(t, jwt.SigningMethodHS256, []byte(testSecret),
		map[string]any{"kid": "2026-11", "jku": url}, good(nil))
	if _, err := try(a, Credentials{Token: ok}, SocketIO); err != nil {
		t.Error(err)
	}
}
