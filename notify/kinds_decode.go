package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// DecodeKind reads the body of POST /v1/notifications/{kind}: the kind's id and status, data, metadata, target,
// except, volatile and ttl. The error is a *ValidationError that names the field, what came and what is allowed.
// The publication holds no part of body. Names of the target and of except are checked when it is published.
func DecodeKind(kind string, body []byte) (Publication, error) {
	k := lookUp(kind)
	if k == nil {
		return Publication{}, &ValidationError{"kind", "got " + quote(kind) + ", which is not in the catalogue"}
	}
	// Data is one level below the body, and has the metadata in it.
	var refused *strictjson.Error
	if _, err := strictjson.Check(body, strictjson.Rules{Depth: MaxDepth + 1}); errors.As(err, &refused) {
		return Publication{}, &ValidationError{cmp.Or(refused.Path, "body"), refused.Reason}
	}
	all, err := objectAt("body", "", body[skipSpace(body, 0):])
	if err != nil {
		return Publication{}, err
	}
	d := kindDecoder{composer: composer{kind: k}}
	for _, m := range all {
		if err := d.field(m); err != nil {
			return Publication{}, err
		}
	}
	return d.publication()
}

// optional are the fields of a body that may be null, which is none.
var optional = []string{"data", "metadata", "except", "volatile", "ttl"}

// kindDecoder collects a body of a kind.
type kindDecoder struct {
	composer
	hasID, hasStatus bool
	data, metadata   []member
	pub              Publication
}

// field reads one field of the body.
func (d *kindDecoder) field(m member) (err error) {
	n := &d.pub.Notification
	if string(m.value) == "null" && slices.Contains(optional, m.name) {
		return nil
	}
	switch m.name {
	case "data":
		d.data, err = objectAt(m.name, "data.", m.value)
	case "metadata":
		d.metadata, err = objectAt(m.name, "metadata.", m.value)
	case "target":
		d.pub.Target, err = DecodeTarget(m.value)
	case "except":
		n.Except, err = DecodeNames(m.name, m.value)
	case "volatile":
		if n.Volatile = string(m.value) == "true"; !n.Volatile && string(m.value) != "false" {
			err = wrongType(m.name, &Field{Type: TypeBoolean}, m.value)
		}
	case "ttl":
		n.TTL, err = decodeTTL(m.value)
	case d.kind.Status.Name:
		d.hasStatus = true
		if d.status, err = DecodeText(m.name, m.value); err != nil && d.kind.Status.Enum != nil {
			err = wrongType(m.name, &d.kind.Status, m.value)
		}
	default:
		if m.name == "" || m.name != d.kind.ID.Name {
			return &ValidationError{Shorten(m.name), "unknown field, expected one of " + d.fields()}
		}
		d.hasID = true
		d.id, err = DecodeText(m.name, m.value)
	}
	return err
}

// fields lists what a body may have.
func (d *kindDecoder) fields() string {
	own := d.kind.Status.Name + ", "
	if d.kind.ID.Name != "" {
		own = d.kind.ID.Name + ", " + own
	}
	return own + "data, metadata, target, except, volatile and ttl"
}

// publication puts together what was read.
func (d *kindDecoder) publication() (Publication, error) {
	k := d.kind
	switch {
	case k.ID.Name != "" && !d.hasID:
		return Publication{}, &ValidationError{k.ID.Name, "is missing, expected a string"}
	case !d.hasStatus:
		return Publication{}, &ValidationError{k.Status.Name, "is missing, expected " + k.Status.expected()}
	}
	if err := d.begin(); err != nil {
		return Publication{}, err
	}
	for i := range k.Fields {
		d.fill(i, d.data)
	}
	for _, m := range d.data {
		if err := d.add(m); err != nil {
			return Publication{}, err
		}
	}
	n, err := d.finish(d.metadata)
	if err != nil {
		return Publication{}, err
	}
	own := &d.pub.Notification
	n.Except, n.Volatile, n.TTL = own.Except, own.Volatile, own.TTL
	d.pub.Notification = n
	if d.pub.Target.kind == "" {
		d.pub.Target, err = d.ownTarget()
	}
	return d.pub, err
}

// ownTarget is the target of a body that names none.
func (d *kindDecoder) ownTarget() (Target, error) {
	t := d.target()
	switch rule := d.kind.Target.User; {
	case t.kind == "" && rule == "":
		return t, &ValidationError{"target", "is missing, and " + d.kind.Name + " has no default: expected an object with one of " + targetNames}
	case t.kind == "":
		return t, &ValidationError{"target", "is missing, and so is " + rule + ", the user it would go to"}
	case rule != "":
		if err := rooms.CheckUserID(rule, d.user); err != nil {
			return t, invalid(err)
		}
	}
	return t, nil
}

// objectAt reads an object; prefix stands before the names of its fields.
func objectAt(at, prefix string, raw json.RawMessage) ([]member, error) {
	if raw[0] != '{' {
		return nil, wrongType(at, &Field{Type: TypeObject}, raw)
	}
	return members(prefix, raw)
}

func decodeTTL(raw json.RawMessage) (time.Duration, error) {
	s, err := DecodeText("ttl", raw)
	if err != nil {
		return 0, &ValidationError{"ttl", "got " + Describe(raw) + `, expected a positive duration such as "5m"`}
	}
	return ParseTTL(s)
}

// ParseTTL reads the ttl of a request: a positive duration as time.ParseDuration has it, such as "90s" or "5m". The
// error is a *ValidationError.
func ParseTTL(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil || d <= 0 {
		return 0, &ValidationError{"ttl", "got " + quote(s) + `, expected a positive duration such as "5m"`}
	}
	return d, nil
}
