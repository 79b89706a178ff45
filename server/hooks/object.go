package hooks

import (
	"strconv"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// object is a JSON object that is being written: a struct with encoding/json takes five times as
// long, and connections wait for an event about them to be queued.
type object []byte

func newObject(size int) object { return append(make(object, 0, size), '{') }

func (o object) key(name string) object {
	if len(o) > 1 {
		o = append(o, ',')
	}
	return append(strictjson.AppendString(o, name), ':')
}

func (o object) text(key, value string) object { return strictjson.AppendString(o.key(key), value) }

func (o object) raw(key string, value []byte) object { return append(o.key(key), value...) }

func (o object) number(key string, n int64) object { return strconv.AppendInt(o.key(key), n, 10) }

func (o object) bool(key string, b bool) object { return strconv.AppendBool(o.key(key), b) }

// end returns the text of the object. It must be called once.
func (o object) end() []byte { return append(o, '}') }
