package auth

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxToken is the maximum length of a token, in bytes. It is checked before anything is parsed.
	MaxToken = 8 << 10
	// maxHeader is the maximum length of a token's header, which is decoded before the signature is
	// checked. A header with certificates is longer, but the server would ignore them: keys never
	// come from the token.
	maxHeader = 1 << 10
	maxKeyID  = 64
)

// verified holds the claims of a valid token.
type verified struct {
	subject  string
	name     string
	channels patterns
	publish  patterns
	expires  time.Time // exp, or exp + leeway when exp has passed
}

// newVerifier returns the function that verifies tokens. The function has no state, but it may
// fetch the key set.
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

// checkShape checks length, number of dots and alphabet without allocating. Splitting a long run of
// dots exhausted the memory of parsers (CVE-2025-30204), and Go's base64 decoder skips line ends,
// so that one token would have many spellings.
func checkShape(token string) error {
	if len(token) > MaxToken {
		return errTooLong
	}
	if strings.Count(token, ".") != 2 || strings.IndexByte(token, '.') > maxHeader {
		return ErrInvalid
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c &&
			c <= '9', c == '-', c == '_', c == '.':
		default:
			return ErrInvalid
		}
	}
	return nil
}

// refusal returns ErrExpired or ErrInvalid for an error of the JWT library, with the names of the
// refused claims. A token counts as expired only if its signature and all other claims are valid,
// because only then is a new token worth asking for.
func refusal(err error) error {
	if away := new(Error); errors.As(err, &away) && away.Is(ErrKeySetUnavailable) {
		return away // with its RetryAfter
	}
	claims := refusedClaims(err)
	if len(claims) == 1 && errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, errClaim) {
		return ErrExpired.by(claims...)
	}
	return ErrInvalid.by(claims...)
}

// refusedClaims returns the names of the claims that an error of the JWT library is about. It has
// none if the signature is not valid.
func refusedClaims(err error) []string {
	var own claimError
	if errors.As(err, &own) {
		return []string{string(own)}
	}
	var names []string
	for _, claim := range []struct {
		name    string
		refused error
	}{
		{"exp", jwt.ErrTokenExpired}, {"nbf", jwt.ErrTokenNotValidYet},
		{"iat", jwt.ErrTokenUsedBeforeIssued}, {"aud", jwt.ErrTokenInvalidAudience},
		{"iss", jwt.ErrTokenInvalidIssuer},
	} {
		if errors.Is(err, claim.refused) ||
			strings.Contains(err.Error(), claim.name+" claim is required") {
			names = append(names, claim.name)
		}
	}
	return names
}
