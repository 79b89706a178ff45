package cli

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/rooms"
)

// Token mints a JWT.
type Token struct {
	Name    string        `name:"name" placeholder:"NAME" help:"Name of the user."`
	Join    names         `name:"channel" placeholder:"PATTERN" help:"Channel that the user may join, or a pattern such as team-*; repeat it for several."`
	Publish names         `name:"publish" placeholder:"PATTERN" help:"Channel that the user may send to; repeat it for several."`
	TTL     time.Duration `name:"ttl" default:"1h" min:"1s" max:"8760h" help:"Time until it expires."`
	JSON    bool          `name:"json" help:"Print it as JSON, with its expiry."`

	User string `arg:"" help:"User id, the subject of the token."`
}

// Run mints the token.
func (t *Token) Run(e Environment, c config.Config) error {
	if err := rooms.CheckUserID("user", t.User); err != nil {
		return usageError(err.Error())
	}
	token, expires, err := mint(c,
		claims{user: t.User, name: t.Name, join: t.Join, publish: t.Publish}, t.TTL)
	if err != nil {
		return err
	}
	if t.JSON {
		return printJSON(e.Stdout, struct {
			Token     string    `json:"token"`
			UserID    string    `json:"userId"`
			ExpiresAt time.Time `json:"expiresAt"`
		}{token, t.User, expires.UTC()})
	}
	_, err = fmt.Fprintln(e.Stdout, token)
	return err
}

// claims are the claims of a token that flags set.
type claims struct {
	user, name    string
	join, publish names
}

// mint signs a token with JWT_SECRET, for the issuer and audience of the settings.
func mint(
	c config.Config, set claims, ttl time.Duration,
) (token string, expires time.Time, err error) {
	if len(c.JWTSecret) == 0 {
		return "", time.Time{}, usageError(
			"JWT_SECRET is not set; a token needs the secret of the server",
		)
	}
	now := time.Now().Truncate(time.Second)
	expires = now.Add(ttl)
	all := jwt.MapClaims{"sub": set.user, "iat": now.Unix(), "exp": expires.Unix()}
	for name, value := range map[string]string{
		"name": set.name, "iss": c.JWTIssuer, "aud": c.JWTAudience,
	} {
		if value != "" {
			all[name] = value
		}
	}
	for name, values := range map[string]names{"channels": set.join, "publish": set.publish} {
		if len(values) > 0 {
			all[name] = values
		}
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(c.JWTSecret))
	return token, expires, err
}
