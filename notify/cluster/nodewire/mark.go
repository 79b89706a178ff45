package nodewire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// The kinds of messages in the field rc.
const (
	kindNotification = "n"
	kindBare         = "b"
	kindEmit         = "a"
)

// mark is the field rc of a message of Roomcast: what the entry for Node does not say. The text is
//
//	{"v":1,"k":"n|b|a","n":"<nonce>","ts":<ms>,"ttl":<ms>,"r":true,"m":{…},"to":[…],"ex":[…]}
//
// with the members that differ from their zero value; ts is always there.
type mark struct {
	kind      string // empty: the entry is not from Roomcast
	nonce     string
	timestamp int64 // milliseconds
	ttl       int64 // milliseconds
	retain    bool
	metadata  json.RawMessage // of a message that is no notification object
	to, ex    []string        // hub rooms, if ownRooms does not give them back
}

// markVersion changes when an older node would misunderstand the field. Then the older node takes
// the entry as one of Node.
const markVersion = "1"

// usualMark is the size of the text of most marks.
const usualMark = 96

func (k mark) append(dst []byte) []byte {
	if k.kind == "" {
		return dst
	}
	dst = append(dst, `{"v":`+markVersion+`,"k":"`...)
	dst = append(append(dst, k.kind...), '"')
	if k.nonce != "" {
		dst = strictjson.AppendString(append(dst, `,"n":`...), k.nonce)
	}
	dst = strconv.AppendInt(append(dst, `,"ts":`...), k.timestamp, 10)
	if k.ttl > 0 {
		dst = strconv.AppendInt(append(dst, `,"ttl":`...), k.ttl, 10)
	}
	if k.retain {
		dst = append(dst, `,"r":true`...)
	}
	if k.metadata != nil {
		dst = append(append(dst, `,"m":`...), k.metadata...)
	}
	if k.to != nil {
		dst = notify.AppendStrings(append(dst, `,"to":`...), k.to)
	}
	if k.ex != nil {
		dst = notify.AppendStrings(append(dst, `,"ex":`...), k.ex)
	}
	return append(dst, '}')
}

// readMark reads the field rc. An entry whose field is damaged, or from a later version, is as
// valid as one of Node.
func (e *Entry) readMark(text string) {
	if text == "" || e.Type != TypeBroadcast || e.RequestID != "" || len(text) > MaxPayload {
		return
	}
	c, err := strictjson.Check([]byte(text), wireRules)
	if err != nil {
		return
	}
	var k mark
	version := ""
	for m := range c.Members() {
		var err error
		number := string(m.Value.Bytes())
		switch m.Name {
		case "v":
			version = number
		case "k":
			err = readText(&k.kind, "rc.k", m.Value)
		case "n":
			err = readText(&k.nonce, "rc.n", m.Value)
		case "ts":
			k.timestamp, err = strconv.ParseInt(number, 10, 64)
		case "ttl":
			k.ttl, err = strconv.ParseInt(number, 10, 64)
		case "r":
			err = readBool(&k.retain, "rc.r", m.Value)
		case "m":
			k.metadata = bytes.Clone(strictjson.OneLine(m.Value.Bytes()))
			err = expect("rc.m", m.Value, strictjson.Object, "an object")
		case "to":
			err = readNames(&k.to, "rc.to", m.Value)
		case "ex":
			err = readNames(&k.ex, "rc.ex", m.Value)
		}
		if err != nil {
			return
		}
	}
	if version == markVersion && k.valid(e.Namespace) {
		e.mark = k
	}
}

// The times that the wire's format for timestamps and a time.Duration can represent, in
// milliseconds.
var (
	minTime = time.Time{}.UnixMilli()
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli()
)

const maxTTL = int64(1<<63-1) / int64(time.Millisecond)

func (k mark) valid(namespace string) bool {
	switch k.kind {
	case kindNotification, kindBare, kindEmit:
	default:
		return false
	}
	inside := func(room string) bool {
		in, name := rooms.Split(room)
		return in == namespace && name != "" && utf8.ValidString(room)
	}
	outside := func(room string) bool { return !inside(room) }
	return len(k.nonce) <= maxUID && k.timestamp >= minTime && k.timestamp <= maxTime &&
		k.ttl >= 0 && k.ttl <= maxTTL && max(len(k.to), len(k.ex)) <= maxNames &&
		!slices.ContainsFunc(k.to, outside) && !slices.ContainsFunc(k.ex, outside)
}
