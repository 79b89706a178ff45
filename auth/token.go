package auth

import (
	"errors"
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

// verified is what a good token says.
type verified struct {
	subject  string
	name     string
	channels patterns
	publish  patterns
	expires  time.Time // exp, or exp + leeway when that has passed
}

// newVerifier returns the function that checks tokens. It has no state but its arguments. A key set may have to be
// fetched first.
func newVerifier(keys keyring, o Options, now func() time.Time) func(string) (verified, error) {
	leeway := o.Leeway
	if leeway == 0 {
		leeway = DefaultLeeway
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(keys.methods()),
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
	find := func(t *jwt.Token) (any, error) { return keys.find(t.Header) }

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

// refusal tells an expired token from a bad one. Only a token whose signature and other claims are good counts as
// expired, so that a client does not ask for a new one in vain.
func refusal(err error) error {
	if errors.Is(err, ErrKeysAway) {
		return ErrKeysAway
	}
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
