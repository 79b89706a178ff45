package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// plan maps the fields of a kind to those of its Go type.
type plan struct {
	kind           *Kind
	id, status     int      // indexes in the struct; id is -1 if the kind has none
	fields         []int    // indexes of kind.Fields in the struct, -1 for a constant
	paths          []string // paths of kind.Fields for errors, such as "data.amount"
	data, metadata int
}

// plans has the plan of each type. Nothing writes to it.
var plans = plansOf(
	Payment{}, UserAccount{}, SystemHealth{},
	Job{}, VideoProcessing{}, DataExport{}, BatchOperation{},
	PostUpdate{}, ProfileUpdate{}, Comment{},
	UserSession{}, Achievement{},
	Maintenance{}, SecurityAlert{},
	Webhook{}, RealtimeUpdate{}, UserActivity{}, System{}, Custom{},
)

func plansOf(values ...notify.Typed) map[reflect.Type]*plan {
	all := make(map[reflect.Type]*plan, len(values))
	for _, v := range values {
		t := reflect.TypeOf(v)
		at := func(name string) int {
			for i := range t.NumField() {
				if f := t.Field(i); f.Tag.Get("json") == name || f.Name == name {
					return i
				}
			}
			return -1
		}
		i := slices.IndexFunc(catalogue, func(k Kind) bool { return k.GoType == t.Name() })
		p := &plan{kind: &catalogue[i], data: at("Data"), metadata: at("Metadata")}
		p.id, p.status = at(p.kind.ID.Name), at(p.kind.Status.Name)
		for _, f := range p.kind.Fields {
			p.fields = append(p.fields, at(f.Name))
			p.paths = append(p.paths, "data."+f.Name)
		}
		all[t] = p
	}
	return all
}

// build returns the notification for a value of one of these types. It omits fields with the zero
// value.
func build(t notify.Typed) (notify.Notification, notify.Target, error) {
	v := reflect.ValueOf(t)
	p := plans[v.Type()]
	c := composer{kind: p.kind, status: v.Field(p.status).String()}
	if p.id >= 0 {
		c.id = v.Field(p.id).String()
	}
	if err := c.begin(); err != nil {
		return notify.Notification{}, notify.Target{}, err
	}
	data, err := byName("data.", v.Field(p.data))
	if err != nil {
		return notify.Notification{}, notify.Target{}, err
	}
	for i, at := range p.fields {
		if at < 0 || v.Field(at).IsZero() {
			c.fill(i, data)
			continue
		}
		if err := c.value(i, p.paths[i], v.Field(at)); err != nil {
			return notify.Notification{}, notify.Target{}, err
		}
	}
	for _, m := range data {
		if err := c.add(m); err != nil {
			return notify.Notification{}, notify.Target{}, err
		}
	}
	metadata, err := byName("metadata.", v.Field(p.metadata))
	if err != nil {
		return notify.Notification{}, notify.Target{}, err
	}
	n, err := c.finish(metadata)
	return n, c.target(), err
}

// value checks a field of the struct, and writes it.
func (c *composer) value(i int, at string, v reflect.Value) error {
	f := &c.kind.Fields[i]
	switch v.Kind() {
	case reflect.String:
		if err := checkText(at, f, v.String()); err != nil {
			return err
		}
		c.know(i, v.String())
		c.key(f.Name)
		c.dst = strictjson.AppendString(c.dst, v.String())
		return nil
	case reflect.Float64, reflect.Int:
		n, isInt := 0.0, v.CanInt()
		if isInt {
			n = float64(v.Int())
		} else {
			n = v.Float()
		}
		if !fits(f, n) {
			return refuse(at, "got the number "+strconv.FormatFloat(
				n, 'g', -1, 64,
			)+", expected "+f.expected())
		}
		c.know(i, "")
		c.key(f.Name)
		c.dst = appendNumber(c.dst, n)
		return nil
	}
	if t, ok := v.Interface().(time.Time); ok {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return refuse(at, "got the year "+strconv.Itoa(y)+", expected "+f.expected())
		}
		c.know(i, "")
		c.key(f.Name)
		c.dst = append(c.dst, '"')
		c.dst = t.UTC().AppendFormat(c.dst, notify.TimestampFormat)
		c.dst = append(c.dst, '"')
		return nil
	}
	m, err := memberOf(at, f.Name, v.Interface())
	if err != nil {
		return err
	}
	return c.add(m)
}

// appendNumber writes a number as encoding/json does: with an exponent only if it is very small or
// very large.
func appendNumber(dst []byte, n float64) []byte {
	format := byte('f')
	if a := math.Abs(n); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, n, format, -1, 64)
}

// byName returns the members of a map[string]any, sorted by name.
func byName(prefix string, v reflect.Value) ([]strictjson.Member, error) {
	if v.Len() == 0 {
		return nil, nil
	}
	fields := v.Interface().(map[string]any)
	list := make([]strictjson.Member, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		m, err := memberOf(prefix+strictjson.Shorten(name), name, fields[name])
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// refuseJSON returns an error of strictjson as the error for a field.
func refuseJSON(at string, err error) error {
	var refused *strictjson.Error
	if errors.As(err, &refused) {
		return refuse(refused.In(at).Path, refused.Reason)
	}
	return err
}

// memberOf encodes a field, without the escapes for HTML.
func memberOf(at, name string, value any) (strictjson.Member, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return strictjson.Member{}, refuse(at,
			"cannot be sent: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	// A json.RawMessage in value may have any text.
	checked, err := strictjson.Check(b.Bytes(), strictjson.Rules{Depth: notify.MaxDepth})
	if err != nil {
		err = refuseJSON(at, err)
	}
	return strictjson.Member{
		Name: name, Key: strictjson.AppendString(nil, name), Value: checked,
	}, err
}
