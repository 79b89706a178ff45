package nodewire

import (
	"errors"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/msgpack"
)

// wireRules accept duplicate keys as JSON.parse does: the last one counts.
var wireRules = strictjson.Rules{Depth: wireDepth, DuplicateKeys: true}

// checkObject checks that a text is an object.
func checkObject(field string, text []byte) (strictjson.Checked, error) {
	if len(text) > MaxPayload {
		return strictjson.Checked{}, skip(field, "is longer than %d bytes", MaxPayload)
	}
	c, err := strictjson.Check(text, wireRules)
	if err != nil {
		return c, wrong(field, err)
	}
	return c, expect(field, c, strictjson.Object, "an object")
}

// wrong returns an error of strictjson.
func wrong(field string, err error) error {
	var fault *strictjson.Error
	if errors.As(err, &fault) {
		fault = fault.In(field)
		return &SkipError{fault.Path, fault.Reason}
	}
	return &SkipError{field, err.Error()}
}

// fromMsgpack returns MessagePack as JSON.
func fromMsgpack(field string, data []byte) (Value, error) {
	if len(data) > MaxPayload {
		return Value{}, skip(field, "is longer than %d bytes", MaxPayload)
	}
	text, attachments, err := msgpack.JSON(data, msgpack.Limits{
		Depth: wireDepth, Values: MaxPayload, Binary: notify.MaxBinary, Bytes: MaxPayload,
		Timestamps: true,
	})
	if err != nil {
		return Value{}, skip(field, "%v", err)
	}
	return Value{text, attachments}, nil
}

func expect(field string, c strictjson.Checked, kind strictjson.Kind, name string) error {
	if c.Kind() != kind {
		return skip(field, "is %s, expected %s", c.Describe(), name)
	}
	return nil
}

// readText reads a string into a place.
func readText(to *string, field string, c strictjson.Checked) error {
	text, err := c.Text()
	if err != nil {
		return skip(field, "is %s, expected a string", c.Describe())
	}
	*to = text
	return nil
}

// readUID is readText for the id of a server or a request.
func readUID(to *string, field string, c strictjson.Checked) error {
	if err := readText(to, field, c); err != nil {
		return err
	}
	if len(*to) > maxUID {
		return skip(field, "is %d bytes long, expected at most %d", len(*to), maxUID)
	}
	return nil
}

// readInt reads a whole number that is not negative.
func readInt(to *int, field string, c strictjson.Checked) error {
	n, err := strconv.ParseUint(string(c.Bytes()), 10, 31)
	if err != nil {
		return skip(field, "is %s, expected a whole number", c.Describe())
	}
	*to = int(n)
	return nil
}

func readBool(to *bool, field string, c strictjson.Checked) error {
	*to = string(c.Bytes()) == "true"
	return expect(field, c, strictjson.Bool, "true or false")
}

// readNames reads a list of rooms. Node allows numbers as rooms.
func readNames(to *[]string, field string, c strictjson.Checked) error {
	if err := expect(field, c, strictjson.Array, "an array"); err != nil {
		return err
	}
	var names []string
	for element := range c.Elements() {
		if len(names) == maxNames {
			return skip(field, "has more than %d names", maxNames)
		}
		name := string(element.Bytes())
		if element.Kind() != strictjson.Number {
			if err := readText(&name, field, element); err != nil {
				return err
			}
		}
		names = append(names, name)
	}
	*to = names
	return nil
}

// readOpts reads the selection of clients. It does not take missing rooms as everyone.
func readOpts(to *Opts, c strictjson.Checked) error {
	if err := expect("opts", c, strictjson.Object, "an object"); err != nil {
		return err
	}
	var o Opts
	found := false
	for m := range c.Members() {
		var err error
		switch m.Name {
		case "rooms":
			found, err = true, readNames(&o.Rooms, "opts.rooms", m.Value)
		case "except":
			err = readNames(&o.Except, "opts.except", m.Value)
		case "flags":
			err = readFlags(&o, m.Value)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return skip("opts.rooms", "is missing, expected an array")
	}
	*to = o
	return nil
}

func readFlags(o *Opts, c strictjson.Checked) error {
	if c.Kind() == strictjson.Null {
		return nil
	}
	if err := expect("opts.flags", c, strictjson.Object, "an object"); err != nil {
		return err
	}
	for m := range c.Members() {
		is := string(m.Value.Bytes())
		switch m.Name {
		case "volatile":
			o.Volatile = is == "true"
		case "compress":
			o.Uncompressed = is == "false"
		case "timeout":
			ms, _ := strconv.ParseFloat(is, 64) // a timeout of another kind is none, as in Node
			o.Timeout = time.Duration(max(0, min(ms, 1<<31))) * time.Millisecond
		}
	}
	return nil
}
