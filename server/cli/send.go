package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
)

// Send publishes one notification.
type Send struct {
	remote
	Key      auth.Secret   `name:"key" env:"ROOMCAST_API_KEY" placeholder:"KEY" help:"API key; without it the first of API_KEYS."`
	APIKey   auth.Secret   `name:"api-key" env:"ROOMCAST_KEY" hidden:"" help:"Another name of --key. ROOMCAST_KEY is the former name of ROOMCAST_API_KEY."`
	User     names         `name:"user" placeholder:"ID" help:"Send to this user; repeat it for several."`
	Channel  names         `name:"channel" placeholder:"NAME" help:"Send to this channel; repeat it for several."`
	Client   string        `name:"client" placeholder:"ID" help:"Send to this connection."`
	All      bool          `name:"all" help:"Send to everyone."`
	Except   names         `name:"except" placeholder:"ID" help:"Leave out this connection; repeat it for several."`
	Kind     string        `name:"kind" placeholder:"NAME" help:"Kind of the catalogue, such as payment. The argument is then the body of the kind; without a target its default is used."`
	Metadata string        `name:"metadata" placeholder:"JSON" help:"Metadata, a JSON object."`
	Volatile bool          `name:"volatile" help:"Send to connected clients only; keep nothing for replay."`
	TTL      time.Duration `name:"ttl" min:"0s" max:"720h" placeholder:"5m" help:"Time in which it may be replayed."`
	Once     string        `name:"idempotency-key" placeholder:"KEY" help:"Send it once, even if this command runs several times within ten minutes."`
	Timeout  time.Duration `name:"timeout" default:"15s" min:"10ms" max:"10m" help:"Maximum time until the response."`
	JSON     bool          `name:"json" help:"Print the reply as JSON."`

	Type string `arg:"" help:"Type of the notification, such as payment:completed; with --kind its body."`
	Data string `arg:"" optional:"" help:"Data as JSON; - reads it from standard input; the default is null."`
}

// Run publishes the notification.
func (s *Send) Run(e Environment, c config.Config) error {
	server, err := s.target(c)
	if err != nil {
		return err
	}
	key := cmp.Or(string(s.Key), string(s.APIKey))
	if key == "" && len(c.APIKeys) > 0 {
		if key, err = firstKey(c); err != nil {
			return err
		}
	}
	if key == "" {
		return usageError("no API key: set ROOMCAST_API_KEY or API_KEYS, or use --key; " +
			"a server without API_KEYS prints a key at the start")
	}
	path, body, err := s.body(e.Stdin)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(e.Context, http.MethodPost, server.at(path).String(),
		bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	if s.Once != "" {
		r.Header.Set("Idempotency-Key", s.Once)
	}
	reply, err := server.call(r, s.Timeout)
	if err != nil {
		return err
	}
	return s.print(e, reply)
}

// body returns the path and the body of the request.
func (s *Send) body(stdin io.Reader) (path string, body []byte, err error) {
	fields := map[string]any{}
	path = "/v1/notifications"
	if s.Kind != "" {
		if s.Data != "" {
			return "", nil, usageError("--kind takes one argument, the body of the kind: " +
				`'{"paymentId":"p1","status":"completed","data":{…}}'`)
		}
		path += "/" + url.PathEscape(s.Kind)
		raw, err := jsonArgument("the body of "+s.Kind, s.Type, stdin)
		if err != nil {
			return "", nil, err
		}
		// RawMessage keeps the spelling of numbers.
		var given map[string]json.RawMessage
		if err := json.Unmarshal(raw, &given); err != nil || given == nil {
			return "", nil, usageError("the body of " + s.Kind + " must be a JSON object")
		}
		for name, value := range given {
			fields[name] = value
		}
	} else {
		fields["type"] = s.Type
		if s.Data != "" {
			if fields["data"], err = jsonArgument("data", s.Data, stdin); err != nil {
				return "", nil, err
			}
		}
	}
	if err := s.fill(fields); err != nil {
		return "", nil, err
	}
	body, err = json.Marshal(fields)
	return path, body, err
}

// fill adds the fields of the flags.
func (s *Send) fill(fields map[string]any) error {
	target, err := s.recipients()
	if err != nil {
		return err
	}
	if target != nil {
		fields["target"] = target
	}
	if s.Metadata != "" {
		metadata, err := jsonArgument("--metadata", s.Metadata, nil)
		if err != nil {
			return err
		}
		fields["metadata"] = metadata
	}
	if len(s.Except) > 0 {
		fields["except"] = s.Except
	}
	if s.Volatile {
		fields["volatile"] = true
	}
	if s.TTL > 0 {
		fields["ttl"] = s.TTL.String()
	}
	return nil
}

// recipients returns the target; nil selects the default of a kind.
func (s *Send) recipients() (map[string]any, error) {
	targets := map[string]any{}
	several := func(name string, values names) {
		switch {
		case len(values) == 1:
			targets[name] = values[0]
		case len(values) > 1:
			targets[name+"s"] = values
		}
	}
	several("user", s.User)
	several("channel", s.Channel)
	if s.Client != "" {
		targets["client"] = s.Client
	}
	if s.All {
		targets["all"] = true
	}
	switch {
	case len(targets) > 1:
		return nil, usageError(
			"several kinds of target, allowed: one of --user, --channel, --client, --all",
		)
	case len(targets) == 0 && s.Kind == "":
		return nil, usageError("no target: use --user, --channel, --client or --all")
	case len(targets) == 0:
		return nil, nil
	}
	return targets, nil
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

// firstKey returns the first of API_KEYS without its pattern.
func firstKey(c config.Config) (string, error) {
	key, _, err := auth.ParseAPIKey(string(c.APIKeys[0]))
	return string(key), err
}

func (s *Send) print(e Environment, reply []byte) error {
	if s.JSON {
		_, err := e.Stdout.Write(append(bytes.TrimSpace(reply), '\n'))
		return err
	}
	var r struct {
		ID                         string
		Delivered, Users, Channels int
		Stored                     bool
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("the response is not that of a Roomcast server: %w", err)
	}
	id := r.ID
	if id == "" {
		id = "volatile"
	}
	text := fmt.Sprintf("%s  connections %d  users %d  channels %d", id, r.Delivered, r.Users,
		r.Channels)
	if r.Delivered == 0 && r.Stored {
		text += "  (nobody is connected now; stored for replay)"
	}
	_, err := fmt.Fprintln(e.Stdout, clean(text))
	return err
}
