package auth

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxToken is the longest token, in bytes. It is checked before anything is parsed.
	MaxToken = 8 << 10
	// maxHeader is the longest first part of a token: the one that is decoded before the signature is checked. A
	// header that carries certificates does not fit and needs not: keys never come from the token.
	maxHeader = 1 << 10
	maxKeyID  = 64
)

// keyring holds the one key of each algorithm. An algorithm that is not in it is refused, so a token cannot choose how
// a key is used (RFC 8725, section 3.1): a public RSA key, for one, is never an HMAC secret.
type keyring map[string]any

// verified is what a good token says.
type verified struct {
	subject  string
	name     string
	channels patterns
	publish  patterns
	expires  time.Time // exp, or exp + leeway when that has passed
}

// newVerifier returns the function that checks tokens. It has no state but its arguments.
func newVerifier(keys keyring, o Options, now func() time.Time) func(string) (verified, error) {
	leeway := o.Leeway
	if leeway == 0 {
		leeway = DefaultLeeway
	}
	var methods []string
	for method := range keys {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(now),
	}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	parser := jwt.NewParser(options...)
	find := func(t *jwt.Token) (any, error) { return findKey(keys, t.Header) }

	return func(token string) (verified, error) {
		if err := checkShape(token); err != nil {
			return verified{}, err
		}
		var c claims
		if _, err := parser.ParseWithClaims(token, &c, find); err != nil {
			return verified{}, refusal(err)
		}
		v := verified{
			subject: c.body.subject, name: c.body.name,
			channels: c.body.channels, publish: c.body.publish, expires: c.body.expires.Time,
		}
		if !now().Before(v.expires) {
			v.expires = v.expires.Add(leeway)
		}
		return v, nil
	}
}

// checkShape refuses by length, by the number of dots and by alphabet, without allocating: splitting a long row of dots
// is how parsers were made to fill the memory (CVE-2025-30204), and Go's base64 passes over line ends, which would
// give one token many spellings.
func checkShape(token string) error {
	if len(token) > MaxToken {
		return errTooLong
	}
	if strings.Count(token, ".") != 2 || strings.IndexByte(token, '.') > maxHeader {
		return ErrInvalid
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return ErrInvalid
		}
	}
	return nil
}

// findKey looks at two fields of the header and no more: jku, x5u, jwk and x5c would let the token bring its own key.
// kid is bounded but not used, since each algorithm has one key.
func findKey(keys keyring, header map[string]any) (any, error) {
	if kid, given := header["kid"]; given {
		if s, ok := kid.(string); !ok || len(s) > maxKeyID {
			return nil, errors.New("kid is no string of at most 64 bytes")
		}
	}
	if _, given := header["crit"]; given {
		return nil, errors.New("crit names extensions, of which none is known") // RFC 7515, section 4.1.11
	}
	alg, _ := header["alg"].(string)
	key, ok := keys[alg]
	if !ok {
		return nil, errors.New("no key for this algorithm")
	}
	return key, nil
}

// refusal tells an expired token from a bad one. Only a token whose signature and other claims are good counts as
// expired, so that a client does not ask for a new one in vain.
func refusal(err error) error {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return ErrInvalid
	}
	for _, other := range []error{
		jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenRequiredClaimMissing, errClaim,
	} {
		if errors.Is(err, other) {
			return ErrInvalid
		}
	}
	return ErrExpired
}
