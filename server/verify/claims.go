package verify

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	maxToken = 8 << 10
	leeway   = 30 * time.Second
)

// claims are those of a token that the server reads. Nothing verifies them here.
type claims struct {
	Sub, Name         string
	Channels, Publish patterns
	Exp, Nbf, Iat     *float64 // seconds since 1970
}

// patterns is one text or several.
type patterns []string

// UnmarshalJSON implements json.Unmarshaler.
func (p *patterns) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*p = patterns{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(p))
}

// readClaims decodes the claims of a token.
func readClaims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("the token has %d parts, expected the three of a JWT", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errors.New("the second part of the token is not base64url")
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, errors.New("the claims are not a JSON object of the expected types: sub and name are " +
			"texts, exp, nbf and iat numbers, channels and publish lists of texts")
	}
	return c, nil
}

// mistakes returns what the server cannot accept, by its clock.
func (c *claims) mistakes(token string, now time.Time) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(token) > maxToken {
		add("it has %d bytes, at most %d are read", len(token), maxToken)
	}
	if c.Sub == "" {
		add("the claim sub, the user id, is missing")
	}
	switch exp := at(c.Exp); {
	case c.Exp == nil:
		add("the claim exp is missing")
	case now.Sub(exp) > leeway:
		add("it expired %s ago (exp)", now.Sub(exp).Round(time.Second))
	}
	for name, value := range map[string]*float64{"nbf": c.Nbf, "iat": c.Iat} {
		if ahead := at(value).Sub(now); value != nil && ahead > leeway {
			add("the claim %s is %s in the future", name, ahead.Round(time.Second))
		}
	}
	return all
}

// at returns the time of a claim. Values out of range become the nearest one that a time has.
func at(seconds *float64) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	return time.Unix(int64(min(max(*seconds, 0), 1e11)), 0)
}

// String says what the server sees, without the token.
func (c *claims) String() string {
	list := func(p patterns) string {
		if len(p) == 0 {
			return "none"
		}
		return strings.Join(p, ", ")
	}
	return fmt.Sprintf("sub %s; channels: %s; publish: %s; exp %s", c.Sub, list(c.Channels),
		list(c.Publish), at(c.Exp).UTC().Format(time.RFC3339))
}
