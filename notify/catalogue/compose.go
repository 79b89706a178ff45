package catalogue

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// composer writes the data of a kind: the id, the status, the fields, and the metadata.
type composer struct {
	kind   *Kind
	id     string
	status string
	user   string // the value of the field in Target.User
	known  uint64 // bit i is set when Fields[i] is written
	dst    []byte
}

// begin checks the id and the status, and writes them.
func (c *composer) begin() error {
	k := c.kind
	if err := checkStatus(&k.Status, c.status); err != nil {
		return err
	}
	c.dst = make([]byte, 1, 512)
	c.dst[0] = '{'
	if k.ID.Name != "" {
		if err := rooms.CheckName(k.ID.Name, c.id, k.ID.MaxLen); err != nil {
			return refuseName(err)
		}
		c.key(k.ID.Name)
		c.dst = strictjson.AppendString(c.dst, c.id)
	}
	if k.Status.Name != "type" {
		c.key(k.Status.Name)
		c.dst = strictjson.AppendString(c.dst, c.status)
	}
	if k.Target.User == k.ID.Name {
		c.user = c.id
	}
	return nil
}

func checkStatus(f *Field, s string) error {
	switch {
	case f.Enum != nil:
		return checkText(f.Name, f, s)
	case f.Name == "type":
		return refuseName(rooms.CheckType(s))
	}
	return refuseName(rooms.CheckName(f.Name, s, f.MaxLen))
}

// key writes the name of the next field.
func (c *composer) key(name string) {
	c.dst = appendKey(c.dst, name)
}

func appendKey(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(strictjson.AppendString(dst, name), ':')
}

// fill writes the default of a field that is not in data.
func (c *composer) fill(i int, data []strictjson.Member) {
	f := &c.kind.Fields[i]
	value := f.Const
	if f.From != "" {
		value = c.id
	}
	if value == "" || hasName(data, f.Name) {
		return
	}
	c.known |= 1 << i
	c.key(f.Name)
	c.dst = strictjson.AppendString(c.dst, value)
}

func hasName(list []strictjson.Member, name string) bool {
	return slices.ContainsFunc(list, func(m strictjson.Member) bool { return m.Name == name })
}

// add checks one field of data, and writes it byte for byte, a user id as text.
func (c *composer) add(m strictjson.Member) error {
	field := "data." + m.Name
	switch m.Name {
	case "metadata":
		return refuse(field, "is not a field of data, expected metadata outside data")
	case c.kind.ID.Name, c.kind.Status.Name:
		return c.repeated(m)
	}
	i := slices.IndexFunc(c.kind.Fields, func(f Field) bool { return f.Name == m.Name })
	if i >= 0 {
		if c.known&(1<<i) != 0 {
			return refuse(field, "has two values, expected one")
		}
		if text, ok := rooms.Number(m.Value.Bytes()); ok && c.isUser(i) {
			c.know(i, text)
			c.key(m.Name)
			c.dst = strictjson.AppendString(c.dst, text)
			return nil
		}
		s, err := checkValue(field, &c.kind.Fields[i], m.Value)
		if err != nil {
			return err
		}
		c.know(i, s)
	}
	if c.dst[len(c.dst)-1] != '{' {
		c.dst = append(c.dst, ',')
	}
	c.dst = append(append(c.dst, m.Key...), ':')
	c.dst = append(c.dst, m.Value.Bytes()...)
	return nil
}

// know marks Fields[i] as written. s is its value if it is a string.
func (c *composer) know(i int, s string) {
	c.known |= 1 << i
	if c.isUser(i) {
		c.user = s
	}
}

// isUser reports whether Fields[i] is the user id that is the default target.
func (c *composer) isUser(i int) bool {
	name, inData := strings.CutPrefix(c.kind.Target.User, "data.")
	return inData && name == c.kind.Fields[i].Name
}

// repeated checks an id or status in data: it must be equal to the one outside data.
func (c *composer) repeated(m strictjson.Member) error {
	field, want := "data."+m.Name, c.id
	if m.Name == c.kind.Status.Name {
		if want = c.status; m.Name == "type" {
			return refuse(field, "is not a field of data, expected type outside data")
		}
	}
	got, err := DecodeName(field, m.Value)
	if err == nil && got != want {
		err = refuse(field, "got "+m.Value.Describe()+", expected "+quote(want)+" as outside data")
	}
	return err
}

// finish writes the metadata into data, and returns the notification.
func (c *composer) finish(metadata []strictjson.Member) (notify.Notification, error) {
	own, err := c.metadata(metadata)
	if err != nil {
		return notify.Notification{}, err
	}
	c.key("metadata")
	c.dst = append(append(c.dst, own...), '}')
	return notify.Notification{Type: c.kind.TypeOf(c.status), Data: c.dst, Metadata: own}, nil
}

// metadata returns the metadata of the kind and its status. Values of the caller replace them, and
// other members of the caller follow.
func (c *composer) metadata(given []strictjson.Member) (json.RawMessage, error) {
	k := c.kind
	category, priority, source := k.Category, k.PriorityOf(c.status), k.Source
	var rest []strictjson.Member
	for _, m := range given {
		field := "metadata." + m.Name
		var err error
		switch m.Name {
		case "category":
			category, err = decodeLabel(field, m.Value)
		case "source":
			source, err = decodeLabel(field, m.Value)
		case "priority":
			if priority, err = DecodeText(field, m.Value); err == nil {
				err = checkText(field, &anyPriority, priority)
			}
		case "system":
			if string(m.Value.Bytes()) != "true" || !k.System {
				err = refuse(field, "is set by the kind, expected no value")
			}
		default:
			rest = append(rest, m)
		}
		if err != nil {
			return nil, err
		}
	}
	dst := append(make([]byte, 0, 128), '{')
	dst = strictjson.AppendString(appendKey(dst, "category"), category)
	dst = strictjson.AppendString(appendKey(dst, "priority"), priority)
	if source != "" {
		dst = strictjson.AppendString(appendKey(dst, "source"), source)
	}
	if k.System {
		dst = append(dst, `,"system":true`...)
	}
	for _, m := range rest {
		dst = append(append(append(append(dst, ','), m.Key...), ':'), m.Value.Bytes()...)
	}
	return append(dst, '}'), nil
}

var anyPriority = Field{Enum: []string{PriorityLow, PriorityMedium, PriorityNormal, PriorityHigh}}

// target returns the kind's own target, or the zero Target if it has none.
func (c *composer) target() notify.Target {
	switch rule := c.kind.Target; {
	case rule.All:
		return notify.ToAll()
	case rule.Channel != "":
		return notify.ToChannel(rule.Channel)
	case c.user != "":
		return notify.ToUser(c.user)
	}
	return notify.Target{}
}
