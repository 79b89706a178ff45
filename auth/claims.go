package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/rooms"
)

// claims is the payload of a token. It stays undecoded until the signature has been verified: the
// validator asks for claims only after that.
type claims struct {
	raw  []byte
	body *body
	err  error
}

// body holds the decoded claims. Types are strict: a number is not accepted as a string, and the
// case of a name matters.
type body struct {
	expires, notBefore, issuedAt *jwt.NumericDate
	issuer, subject, name        string
	audience                     []string
	channels, publish            patterns
}

var errClaim = errors.New("wrong type or range of a claim")

// claimError is an errClaim that names the claim.
type claimError string

func (e claimError) Error() string { return errClaim.Error() + ": " + string(e) }
func (e claimError) Unwrap() error { return errClaim }

// UnmarshalJSON keeps the bytes for later.
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

// Validate checks the claim that the JWT library does not: the subject must be a valid user id.
func (c *claims) Validate() error {
	b, err := c.read()
	if err != nil {
		return err
	}
	if err := rooms.CheckUserID("sub", b.subject); err != nil {
		return errors.Join(claimError("sub"), err)
	}
	return nil
}

func (b *body) decode(raw []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return fmt.Errorf("%w: the claims are not an object", errClaim)
	}
	for name, read := range map[string]func(json.RawMessage) error{
		"exp":      date(&b.expires),
		"nbf":      date(&b.notBefore),
		"iat":      date(&b.issuedAt),
		"iss":      text(&b.issuer),
		"sub":      text(&b.subject),
		"name":     display(&b.name),
		"aud":      list(&b.audience),
		"channels": list((*[]string)(&b.channels)),
		"publish":  list((*[]string)(&b.publish)),
	} {
		value, given := fields[name]
		if !given || string(value) == "null" {
			continue
		}
		if err := read(value); err != nil {
			return claimError(name)
		}
	}
	return nil
}

// date reads a NumericDate (RFC 7519, section 2): seconds as a JSON number, from 1970 to the end of
// the year 9999. The bounds keep the conversion to an integer defined, and refuse dates so far away
// that a token would never expire.
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

// display reads the name to show. A name that is no text is none: it proves nothing, so it is no
// reason to refuse a token.
func display(to *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			*to = rooms.DisplayName(s)
		}
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

// list reads an array of strings, or a single string, which the aud claim may be.
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
