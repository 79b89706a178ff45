package catalogue

import (
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// Decode decodes the body of POST /v1/notifications/{kind}: the id and status of the kind, data,
// metadata, target, except, volatile, ttl and retain. The error is a *notify.ValidationError with the
// field, its value and the allowed values. The publication shares no memory with body. Publish
// validates the names in target and except.
func Decode(kind string, body strictjson.Checked) (notify.Publication, error) {
	k := lookUp(kind)
	if k == nil {
		return notify.Publication{}, refuse("kind",
			"got "+quote(kind)+", expected a kind of the catalogue")
	}
	if body.Kind() != strictjson.Object {
		return notify.Publication{}, wrongType("body", &Field{Type: TypeObject}, body)
	}
	d := kindDecoder{composer: composer{kind: k}}
	for m := range body.Members() {
		if err := checkKey("", m); err != nil {
			return notify.Publication{}, err
		}
		if err := d.field(m); err != nil {
			return notify.Publication{}, err
		}
	}
	return d.publication()
}

// optional are the fields of a body that may be null.
var optional = []string{"data", "metadata", "except", "volatile", "ttl", "retain"}

// kindDecoder collects the fields of a body.
type kindDecoder struct {
	composer
	hasID, hasStatus bool
	data, metadata   []strictjson.Member
	pub              notify.Publication
}

// field decodes one field of the body.
func (d *kindDecoder) field(m strictjson.Member) (err error) {
	n := &d.pub.Notification
	if m.Value.Kind() == strictjson.Null && slices.Contains(optional, m.Name) {
		return nil
	}
	switch m.Name {
	case "data":
		d.data, err = objectAt(m.Name, "data.", m.Value)
	case "metadata":
		if m.Value.IsEmptyArray() {
			return nil
		}
		d.metadata, err = objectAt(m.Name, "metadata.", m.Value)
	case "target":
		d.pub.Target, err = DecodeTarget(m.Value)
	case "except":
		n.Except, err = DecodeNames(m.Name, m.Value)
	case "volatile":
		n.Volatile, err = decodeBool(m)
	case "retain":
		n.Retain, err = decodeBool(m)
	case "ttl":
		n.TTL, err = DecodeDuration(m.Name, m.Value)
	case d.kind.Status.Name:
		d.hasStatus = true
		if d.status, err = DecodeText(m.Name, m.Value); err != nil && d.kind.Status.Enum != nil {
			err = wrongType(m.Name, &d.kind.Status, m.Value)
		}
	default:
		if m.Name == "" || m.Name != d.kind.ID.Name {
			return refuse(strictjson.Shorten(m.Name), "unknown field, expected one of "+d.fields())
		}
		d.hasID = true
		d.id, err = DecodeName(m.Name, m.Value)
	}
	return err
}

// fields lists the fields that a body may have.
func (d *kindDecoder) fields() string {
	own := d.kind.Status.Name + ", "
	if d.kind.ID.Name != "" {
		own = d.kind.ID.Name + ", " + own
	}
	return own + "data, metadata, target, except, volatile, ttl and retain"
}

// publication builds the publication from the fields.
func (d *kindDecoder) publication() (notify.Publication, error) {
	k := d.kind
	switch {
	case k.ID.Name != "" && !d.hasID:
		return notify.Publication{}, refuse(k.ID.Name, "is missing, expected a string")
	case !d.hasStatus:
		return notify.Publication{}, refuse(k.Status.Name,
			"is missing, expected "+k.Status.expected())
	}
	if err := d.begin(); err != nil {
		return notify.Publication{}, err
	}
	for i := range k.Fields {
		d.fill(i, d.data)
	}
	for _, m := range d.data {
		if err := d.add(m); err != nil {
			return notify.Publication{}, err
		}
	}
	n, err := d.finish(d.metadata)
	if err != nil {
		return notify.Publication{}, err
	}
	own := &d.pub.Notification
	n.Except, n.Volatile, n.TTL = own.Except, own.Volatile, own.TTL
	n.Retain = own.Retain
	d.pub.Notification = n
	if d.pub.Target.IsZero() {
		d.pub.Target, err = d.ownTarget()
	}
	return d.pub, err
}

func decodeBool(m strictjson.Member) (bool, error) {
	if m.Value.Kind() != strictjson.Bool {
		return false, wrongType(m.Name, &Field{Type: TypeBoolean}, m.Value)
	}
	return string(m.Value.Bytes()) == "true", nil
}

// ownTarget returns the default target, for a body without target.
func (d *kindDecoder) ownTarget() (notify.Target, error) {
	t := d.target()
	switch rule := d.kind.Target.User; {
	case t.IsZero() && rule == "":
		return t, refuse("target",
			"is missing and has no default, expected an object with one of "+targetNames)
	case t.IsZero():
		return t, refuse("target", "is missing, and so is "+rule+", which has the default")
	case rule != "":
		if err := rooms.CheckUserID(rule, d.user); err != nil {
			return t, refuseName(err)
		}
	}
	return t, nil
}

// objectAt returns the members of an object. prefix is that of their paths in errors.
func objectAt(at, prefix string, v strictjson.Checked) ([]strictjson.Member, error) {
	if v.Kind() != strictjson.Object {
		return nil, wrongType(at, &Field{Type: TypeObject}, v)
	}
	all := make([]strictjson.Member, 0, 4)
	for m := range v.Members() {
		if err := checkKey(prefix, m); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// DecodeDuration decodes a positive duration in the form of time.ParseDuration, such as "90s" or
// "5m". field is its path in the error, a *notify.ValidationError.
func DecodeDuration(field string, v strictjson.Checked) (time.Duration, error) {
	s, err := DecodeText(field, v)
	d, invalid := time.ParseDuration(s)
	if err != nil || invalid != nil || d <= 0 {
		return 0, refuse(field, "got "+v.Describe()+
			`, expected a positive duration such as "30s", "5m" or "1h30m"`)
	}
	return d, nil
}
