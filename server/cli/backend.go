package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
)

// backend has the flags of commands that call the API as a backend does.
type backend struct {
	remote
	Key     auth.Secret   `name:"key" env:"ROOMCAST_API_KEY" placeholder:"KEY" help:"API key; without it the first of API_KEYS."`
	APIKey  auth.Secret   `name:"api-key" env:"ROOMCAST_KEY" hidden:"" help:"Another name of --key. ROOMCAST_KEY is the former name of ROOMCAST_API_KEY."`
	Once    string        `name:"idempotency-key" placeholder:"KEY" help:"Send it once, even if this command runs several times within ten minutes."`
	Timeout time.Duration `name:"timeout" default:"15s" min:"10ms" max:"10m" help:"Maximum time until the response."`
	JSON    bool          `name:"json" help:"Print the reply as JSON."`
}

// post sends a body to the API and returns the reply.
func (b *backend) post(
	e Environment, c config.Config, path, query string, body []byte,
) ([]byte, error) {
	server, err := b.target(c)
	if err != nil {
		return nil, err
	}
	key := cmp.Or(string(b.Key), string(b.APIKey))
	if key == "" && len(c.APIKeys) > 0 {
		if key, err = firstKey(c); err != nil {
			return nil, err
		}
	}
	if key == "" {
		return nil, usageError("no API key: set ROOMCAST_API_KEY or API_KEYS, or use --key; " +
			"a server without API_KEYS prints a key at the start")
	}
	if err := checkHeader(key, "the API key"); err != nil {
		return nil, err
	}
	to := server.at(path)
	to.RawQuery = query
	r, err := http.NewRequestWithContext(e.Context, http.MethodPost, to.String(),
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	if b.Once != "" {
		r.Header.Set("Idempotency-Key", b.Once)
	}
	return server.call(r, b.Timeout)
}

// checkHeader refuses a secret that no header can carry, such as one from a file with the line ends of
// Windows, of which a shell removes a half.
func checkHeader(secret, what string) error {
	if strings.ContainsFunc(secret, unicode.IsControl) {
		return usageError(what + " has a line end or another control character")
	}
	return nil
}

// firstKey returns the first of API_KEYS without its pattern.
func firstKey(c config.Config) (string, error) {
	key, _, err := auth.ParseAPIKey(string(c.APIKeys[0]))
	return string(key), err
}

// printReceipt prints the receipt of a publish.
func (b *backend) printReceipt(e Environment, reply []byte) error {
	if b.JSON {
		return printReply(e, reply)
	}
	var r struct {
		ID                         string
		Delivered, Users, Channels int
		Stored                     bool
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("the response is not that of a Roomcast server: %w", err)
	}
	text := fmt.Sprintf("%s  connections %d  users %d  channels %d", cmp.Or(r.ID, "volatile"),
		r.Delivered, r.Users, r.Channels)
	if r.Delivered == 0 && r.Stored {
		text += "  (nobody is connected now; stored for replay)"
	}
	_, err := fmt.Fprintln(e.Stdout, clean(text))
	return err
}

func printReply(e Environment, reply []byte) error {
	_, err := e.Stdout.Write(append(bytes.TrimSpace(reply), '\n'))
	return err
}

// recipients has the flags of what is sent to whom.
type recipients struct {
	User     names  `name:"user" placeholder:"ID" help:"Send to this user; repeat it for several."`
	Channel  names  `name:"channel" placeholder:"NAME" help:"Send to this channel; repeat it for several."`
	Client   string `name:"client" placeholder:"ID" help:"Send to this connection."`
	All      bool   `name:"all" help:"Send to everyone."`
	Except   names  `name:"except" placeholder:"ID" help:"Leave out this connection; repeat it for several."`
	Volatile bool   `name:"volatile" help:"Send to connected clients only; keep nothing for replay."`
}

// fill adds the fields of the flags to a request. A target is required unless the server has a
// default.
func (r *recipients) fill(fields map[string]any, required bool) error {
	targets := map[string]any{}
	several := func(name string, values names) {
		switch {
		case len(values) == 1:
			targets[name] = values[0]
		case len(values) > 1:
			targets[name+"s"] = values
		}
	}
	several("user", r.User)
	several("channel", r.Channel)
	if r.Client != "" {
		targets["client"] = r.Client
	}
	if r.All {
		targets["all"] = true
	}
	switch {
	case len(targets) > 1:
		return usageError(
			"several kinds of target, allowed: one of --user, --channel, --client, --all",
		)
	case len(targets) == 0 && required:
		return usageError("no target: use --user, --channel, --client or --all")
	case len(targets) == 1:
		fields["target"] = targets
	}
	if len(r.Except) > 0 {
		fields["except"] = r.Except
	}
	if r.Volatile {
		fields["volatile"] = true
	}
	return nil
}

// jsonArgument checks an argument that must be JSON; "-" reads it from stdin.
func jsonArgument(what, text string, stdin io.Reader) (json.RawMessage, error) {
	if text == "-" && stdin != nil {
		all, err := io.ReadAll(io.LimitReader(stdin, maxReply))
		if err != nil {
			return nil, err
		}
		text = string(all)
	}
	var value json.RawMessage
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, usageError(fmt.Sprintf("%s is not JSON (%s); a text needs quotes: '\"hello\"'",
			what, err))
	}
	return value, nil
}
