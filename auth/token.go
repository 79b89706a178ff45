package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/rooms"
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

// checkShape refuses by length and by the number of dots, without allocating: splitting a long row of dots is how
// parsers were made to fill the memory (CVE-2025-30204).
func checkShape(token string) error {
	if len(token) > MaxToken {
		return ErrInvalid.because("it is too long")
	}
	if strings.Count(token, ".") != 2 || strings.IndexByte(token, '.') > maxHeader {
		return ErrInvalid
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

// claims is the second part of a token. It is kept as bytes until the signature is known to be good: the validator
// asks for the claims only then, and only then are they decoded.
type claims struct {
	raw  []byte
	body *body
	err  error
}

// body is what the claims say, typed strictly: a number is no string, and names are matched by case.
type body struct {
	expires, notBefore, issuedAt *jwt.NumericDate
	issuer, subject, name        string
	audience                     []string
	channels, publish            patterns
}

var errClaim = errors.New("claim of another type or range")

// UnmarshalJSON keeps the bytes.
func (c *claims) UnmarshalJSON(data []byte) error {
	c.raw = bytes.Clone(data)
	return nil
}

func (c *claims) read() (*body, error) {
	if c.body == nil {
		c.body = new(body)
		c.err = c.body.decode(c.raw)
	}
	return c.body, c.err
}

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) {
	b, err := c.read()
	return b.expires, err
}

func (c *claims) GetNotBefore() (*jwt.NumericDate, error) {
	b, err := c.read()
	return b.notBefore, err
}

func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) {
	b, err := c.read()
	return b.issuedAt, err
}

func (c *claims) GetAudience() (jwt.ClaimStrings, error) {
	b, err := c.read()
	return b.audience, err
}

func (c *claims) GetIssuer() (string, error) {
	b, err := c.read()
	return b.issuer, err
}

func (c *claims) GetSubject() (string, error) {
	b, err := c.read()
	return b.subject, err
}

// Validate checks what is ours: the subject is a user id, the name can be shown.
func (c *claims) Validate() error {
	b, err := c.read()
	if err != nil {
		return err
	}
	if err := rooms.CheckUserID("sub", b.subject); err != nil {
		return errors.Join(errClaim, err)
	}
	if b.name != "" {
		if err := rooms.CheckName("name", b.name, rooms.MaxName); err != nil {
			return errors.Join(errClaim, err)
		}
	}
	return nil
}

func (b *body) decode(raw []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return fmt.Errorf("%w: the claims are no object", errClaim)
	}
	for name, read := range map[string]func(json.RawMessage) error{
		"exp":      date(&b.expires),
		"nbf":      date(&b.notBefore),
		"iat":      date(&b.issuedAt),
		"iss":      text(&b.issuer),
		"sub":      text(&b.subject),
		"name":     text(&b.name),
		"aud":      list(&b.audience),
		"channels": list((*[]string)(&b.channels)),
		"publish":  list((*[]string)(&b.publish)),
	} {
		value, given := fields[name]
		if !given {
			continue
		}
		if err := read(value); err != nil {
			return fmt.Errorf("%w: %s", errClaim, name)
		}
	}
	return nil
}

// date reads a NumericDate (RFC 7519, section 2): seconds as a JSON number, from 1970 to the end of the year 9999. The
// bounds keep the conversion to an integer defined, and a date with 300 digits from being eternal.
func date(to **jwt.NumericDate) func(json.RawMessage) error {
	const latest = 253402300799
	return func(raw json.RawMessage) error {
		var seconds *float64
		if err := json.Unmarshal(raw, &seconds); err != nil {
			return err
		}
		if seconds == nil || math.IsNaN(*seconds) || *seconds < 0 || *seconds > latest {
			return errClaim
		}
		*to = &jwt.NumericDate{Time: time.Unix(int64(*seconds), 0)}
		return nil
	}
}

func text(to *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s *string
		if err := json.Unmarshal(raw, &s); err != nil || s == nil {
			return errClaim
		}
		*to = *s
		return nil
	}
}

// list reads an array of strings, or one string in place of an array of one, as aud may be.
func list(to *[]string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var one string
		if text(&one)(raw) == nil {
			*to = []string{one}
			return nil
		}
		var several []*string
		if err := json.Unmarshal(raw, &several); err != nil || several == nil {
			return errClaim
		}
		for _, s := range several {
			if s == nil {
				return errClaim
			}
			*to = append(*to, *s)
		}
		return nil
	}
}
