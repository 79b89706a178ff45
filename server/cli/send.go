package cli

import (
	"encoding/json"
	"io"
	"net/url"
	"time"

	"github.com/roomcast/roomcast/config"
)

// Send publishes one notification.
type Send struct {
	backend
	recipients
	Kind     string        `name:"kind" placeholder:"NAME" help:"Kind of the catalogue, such as payment. The argument is then the body of the kind; without a target its default is used."`
	Metadata string        `name:"metadata" placeholder:"JSON" help:"Metadata, a JSON object."`
	TTL      time.Duration `name:"ttl" min:"0s" max:"720h" placeholder:"5m" help:"Time in which it may be replayed, and is retained."`
	Retain   bool          `name:"retain" help:"Keep it as the newest of its type for connections that join the channel, or connect as the user, later."`

	Type string `arg:"" help:"Type of the notification, such as payment:completed; with --kind its body."`
	Data string `arg:"" optional:"" help:"Data as JSON; - reads it from standard input; the default is null."`
}

// Run publishes the notification.
func (s *Send) Run(e Environment, c config.Config) error {
	path, body, err := s.body(e.Stdin)
	if err != nil {
		return err
	}
	reply, err := s.post(e, c, path, "", body)
	if err != nil {
		return err
	}
	return s.printReceipt(e, reply)
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
	if err := s.recipients.fill(fields, s.Kind == ""); err != nil {
		return err
	}
	if s.Metadata != "" {
		metadata, err := jsonArgument("--metadata", s.Metadata, nil)
		if err != nil {
			return err
		}
		fields["metadata"] = metadata
	}
	if s.TTL > 0 {
		fields["ttl"] = s.TTL.String()
	}
	if s.Retain {
		fields["retain"] = true
	}
	return nil
}
