package pywire

import (
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// jsonRules are the rules for a message. Arguments are three levels below it. As in Python, the
// last of duplicate keys counts.
var jsonRules = strictjson.Rules{Depth: notify.MaxDepth + 3, Values: maxValues, DuplicateKeys: true}

// fromJSON returns the value of a message in JSON.
func fromJSON(payload []byte) (*value, error) {
	c, err := strictjson.Check(payload, jsonRules)
	if errors.Is(err, strictjson.ErrTooMany) {
		return nil, tooMany("json")
	}
	if err != nil {
		return nil, skip("json", "is not JSON, or is nested more than %d levels deep", jsonRules.Depth)
	}
	return fromChecked(c)
}

func fromChecked(c strictjson.Checked) (*value, error) {
	switch c.Kind() {
	case strictjson.Null:
		return &value{kind: kindNone}, nil
	case strictjson.Bool:
		return &value{kind: kindBool, raw: c.Bytes()}, nil
	case strictjson.Number:
		if _, err := strconv.ParseInt(string(c.Bytes()), 10, 64); err == nil {
			return &value{kind: kindInt, raw: c.Bytes()}, nil
		}
		return &value{kind: kindFloat, raw: c.Bytes()}, nil
	case strictjson.String:
		return fromText(c.Text())
	case strictjson.Array:
		v := &value{kind: kindList}
		for element := range c.Elements() {
			item, err := fromChecked(element)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		return v, nil
	}
	v := &value{kind: kindDict}
	for m := range c.Members() {
		key, err := fromText(m.Name, m.NameErr())
		if err != nil {
			return nil, err
		}
		item, err := fromChecked(m.Value)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, key, item)
	}
	return v, nil
}

func fromText(s string, err error) (*value, error) {
	if err != nil {
		return nil, skip("json", "holds a string with half a surrogate pair")
	}
	return &value{kind: kindText, raw: []byte(s)}, nil
}

// attachments decodes the binary values of a message.
func attachments(encoded []*value) ([]*value, error) {
	all := make([]*value, len(encoded))
	for i, v := range encoded {
		raw, err := base64.StdEncoding.DecodeString(string(v.raw))
		if v.kind != kindText || err != nil {
			return nil, skip("data", "has %s for binary data, expected base64", v.describe())
		}
		all[i] = &value{kind: kindBytes, raw: raw}
	}
	return all, nil
}

// restore puts binary values in the places of a value of JSON, and returns those that are left. They
// are numbered in the order of their places.
func restore(v *value, left []*value, number int) (*value, []*value, error) {
	if v.kind == kindDict {
		if flag, num := v.get("_placeholder"), v.get("num"); flag != nil && num != nil {
			if string(flag.raw) != "true" || string(num.raw) != strconv.Itoa(number) || len(left) == 0 {
				return nil, nil, skip("data", "has a placeholder with another number than its binary data")
			}
			return left[0], left[1:], nil
		}
	}
	for i, item := range v.items {
		if v.kind == kindDict && i%2 == 0 {
			continue
		}
		before := len(left)
		var err error
		if v.items[i], left, err = restore(item, left, number); err != nil {
			return nil, nil, err
		}
		number += before - len(left)
	}
	return v, left, nil
}
