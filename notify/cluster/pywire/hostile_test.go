package pywire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// emitting returns a pickle that emits what the opcodes of data push.
func emitting(data string) []byte {
	return []byte("\x80\x04}(" + short("method") + short("emit") + short("event") + short("e") +
		short("data") + data + "u.")
}

// short returns the opcode of a string.
func short(s string) string { return string([]byte{opShortUnicode, byte(len(s))}) + s }

// ofJSON returns a message in JSON that emits data.
func ofJSON(data string) []byte { return ofField("data", data) }

// ofField returns a message in JSON with another value of one of its members.
func ofField(field, text string) []byte {
	m := map[string]string{"method": `"emit"`, "event": `"e"`, "data": "1"}
	m[field] = text
	var members []string
	for name, value := range m {
		members = append(members, fmt.Sprintf("%q: %s", name, value))
	}
	return []byte("{" + strings.Join(members, ", ") + "}")
}

const placeholder = `{"_placeholder": true, "num": 0}`

// The error of a damaged message says where the fault is, and what is expected.
func TestDamaged(t *testing.T) {
	t.Parallel()
	object := "pickle: holds a Python object (opcode 0x%02x at byte %d), expected None"
	for _, c := range []struct {
		name    string
		payload []byte
		want    string
	}{
		{"nothing", nil, "message: is empty, expected JSON or a pickle"},
		{"text", []byte("hello"), "json: is not JSON"},
		{"protocol 0 of Python 2", []byte("(dp0\n."), "json: is not JSON"},
		{"NaN in JSON", ofJSON("NaN"), "json: is not JSON"},
		{"a list", []byte("[1]"), "message: is a list, expected a dict"},
		{"too long", make([]byte, nodewire.MaxPayload+1), "message: is longer than 8388608 bytes"},

		{"a call of os.system", emitting("cos\nsystem\n(" + short("true") + "tR"), fmt.Sprintf(object, 'c', 34)},
		{"a call in protocol 4", emitting(short("os") + short("system") + "\x93"), fmt.Sprintf(object, 0x93, 46)},
		{"INST", []byte("\x80\x02(ios\nsystem\n."), fmt.Sprintf(object, 'i', 3)},
		{"OBJ", []byte("\x80\x02(o."), fmt.Sprintf(object, 'o', 3)},
		{"REDUCE", []byte("\x80\x02R."), fmt.Sprintf(object, 'R', 2)},
		{"BUILD", []byte("\x80\x02b."), fmt.Sprintf(object, 'b', 2)},
		{"NEWOBJ", []byte("\x80\x02\x81."), fmt.Sprintf(object, 0x81, 2)},
		{"PERSID", []byte("\x80\x02Px\n."), fmt.Sprintf(object, 'P', 2)},
		{"EXT1", []byte("\x80\x02\x82\x01."), fmt.Sprintf(object, 0x82, 2)},
		{"a set", emitting("\x8f\x94"), fmt.Sprintf(object, 0x8f, 34)},
		{"a bytearray", emitting("\x96\x01\x00\x00\x00\x00\x00\x00\x00x"), fmt.Sprintf(object, 0x96, 34)},
		{"protocol 1", []byte("\x80\x01N."), "pickle: is of protocol 1, expected 2 to 5"},
		{"protocol 6", []byte("\x80\x06N."), "pickle: is of protocol 6, expected 2 to 5"},
		{"POP", []byte("\x80\x04N0."), "pickle: has the unknown opcode 0x30 at byte 3"},
		{"LONG4", []byte("\x80\x04\x8b\x00\x00\x00\x00."), "pickle: holds an integer of more than 255 bytes"},
		{"NaN", emitting("G\x7f\xf8\x00\x00\x00\x00\x00\x00"), "pickle: holds infinity or NaN"},
		{"half a surrogate pair", emitting("\x8c\x03\xed\xa0\x80"), "pickle: holds a string with half a surrogate pair"},
		{"the same in JSON", ofJSON(`"\ud800"`), "json: holds a string with half a surrogate pair"},
		{"in a key", ofJSON(`{"\ud800":1}`), "json: holds a string with half a surrogate pair"},
		{"no protocol", []byte("\x80"), "pickle: ends too early"},
		{"a long string", []byte("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "pickle: ends too early"},
		{"a long frame", []byte("\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N."), "pickle: has a frame that is longer"},
		{"bytes at the end", []byte("\x80\x04N.."), "pickle: has 1 bytes after its end"},
		{"no value", []byte("\x80\x04."), "pickle: ends with another number of values than one"},
		{"two values", []byte("\x80\x04NN."), "pickle: ends with another number of values than one"},
		{"a mark", []byte("\x80\x04(."), "pickle: ends with another number of values than one"},
		{"a value that is not noted", []byte("\x80\x04h\x00."), "pickle: names a value that it has not noted"},
		{"a note of nothing", []byte("\x80\x04\x94."), "pickle: has no value on the stack"},
		{"a note of a mark", []byte("\x80\x04(\x94."), "pickle: has no value on the stack"},
		{"a tuple of nothing", []byte("\x80\x04\x86."), "pickle: takes more values from the stack"},
		{"a tuple of a mark", []byte("\x80\x04N(\x86."), "pickle: takes more values from the stack"},
		{"no mark", []byte("\x80\x04]Ne."), "pickle: has no mark on the stack"},
		{"appends to a tuple", []byte("\x80\x04)Na."), "pickle: adds to a tuple, expected a list"},
		{"sets of a list", []byte("\x80\x04]NNs."), "pickle: adds to a list, expected a dict"},
		{"a key alone", []byte("\x80\x04}(Nu."), "pickle: has a key without a value"},

		{"no method", []byte(`{}`), "method: is missing, expected a string"},
		{"a number as method", []byte(`{"method": 1}`), "method: is an integer, expected a string"},
		{"another method", []byte(`{"method": "x"}`), "method: is unknown, expected emit"},
		{"a number as namespace", ofField("namespace", "1"), "namespace: is an integer, expected a string"},
		{"no event", ofField("event", "null"), "event: is None, expected a string"},
		{"no data", []byte(`{"method": "emit", "event": "e"}`), "data: is missing"},
		{"no rooms", ofField("room", "[]"), "room: is an empty list, expected None or at least one room"},
		{"None in rooms", ofField("room", `["R", null]`), "room: has None, expected a string"},
		{"a dict as room", ofField("room", `{}`), "room: has a dict, expected a string"},
		{"a float as room", ofField("room", `1.5`), "room: has a float, expected a string"},
		{"a list in skip_sid", ofField("skip_sid", `[[]]`), "skip_sid: has a list, expected a string"},
		{"a tuple as key", emitting("})Ns"), "data: has a tuple as the key of a dict, expected a string"},
		{"a float as key", emitting("}G\x00\x00\x00\x00\x00\x00\x00\x00Ns"), "data: has a float as the key"},
		{"nobody to disconnect", []byte(`{"method": "disconnect", "sid": null}`), "sid: is None, expected a string"},
		{"an empty sid", []byte(`{"method": "disconnect", "sid": ""}`), "sid: is empty"},
		{"several", []byte(`{"method": "disconnect", "sid": ["a"]}`), "sid: is a list, expected a string"},
		{"no room", []byte(`{"method": "enter_room", "sid": "a"}`), "room: is missing, expected a string"},
		{"all rooms", []byte(`{"method": "close_room", "room": null}`), "room: is None, expected a string"},

		{"no binary values", []byte(`{"method":"emit","event":"e","binary":true,"data":[]}`), "data: is empty"},
		{"no base64", []byte(`{"method":"emit","event":"e","binary":true,"data":[1,"?"]}`),
			"data: has a string for binary data, expected base64"},
		{"a number for base64", []byte(`{"method":"emit","event":"e","binary":true,"data":[1,1]}`),
			"data: has an integer for binary data, expected base64"},
		{"too many binary values", []byte(`{"method":"emit","event":"e","binary":true,"data":[1,"eA=="]}`),
			"data: has binary values without a place in it"},
		{"too few", []byte(`{"method":"emit","event":"e","binary":true,"data":[` + placeholder + `]}`),
			"data: has a placeholder with another number"},
		{"the same twice", []byte(`{"method":"emit","event":"e","binary":true,"data":[[` + placeholder + `,` +
			placeholder + `],"eA==","eA=="]}`), "data: has a placeholder with another number"},
	} {
		e, err := Decode(c.payload)
		if !isSkipped(err) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v, want %s", c.name, e, err, c.want)
		}
	}
}

// A message that ends early is damaged, wherever it ends.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.7.2", "5.16.3"} {
		for _, r := range recordings(t, "managers-"+version) {
			payload := r.payload(t)
			for n := range payload {
				if _, err := Decode(payload[:n]); !isSkipped(err) {
					t.Fatalf("%s, %s, %d bytes: %v", version, r.Call, n, err)
				}
			}
		}
	}
}

// listOf returns the opcodes of a list, in parts of 1,000 as Python writes them.
func listOf(n int, item string) string {
	text := "]"
	for ; n > 0; n -= 1000 {
		text += "(" + strings.Repeat(item, min(n, 1000)) + "e"
	}
	return text
}

// Values, levels and bytes have a bound, each time that they occur.
func TestBounds(t *testing.T) {
	t.Parallel()
	laughs := "](" + strings.Repeat("N", 10) + "e\x94"
	for i := range byte(12) { // 10 to the power of 13
		laughs += "](" + strings.Repeat("h"+string([]byte{i}), 10) + "e\x94"
	}
	mega := string(binary.LittleEndian.AppendUint32([]byte{opBinBytes}, 1<<20)) + strings.Repeat("x", 1<<20)
	large := string(binary.LittleEndian.AppendUint32([]byte{opBinUnicode}, 1<<20)) + strings.Repeat("x", 1<<20)
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	const values = "data: has more than 65536 values"
	for _, c := range []struct {
		name    string
		payload []byte
		want    string
	}{
		{"many values", emitting(listOf(maxValues-1, "N")), ""},
		{"too many", emitting(listOf(maxValues, "N")), values},
		{"many pushes", emitting(listOf(maxSteps, "N")), "pickle: has more than 65536 values"},
		{"too many in JSON", ofJSON("[" + strings.Repeat("1,", maxValues) + "1]"), "json: has more than 65536 values"},
		{"a list of lists of lists", emitting("(" + laughs + "t"), values},
		{"empty lists many times", emitting("(]\x94(" + strings.Repeat("h\x00", 256) + "t\x94(" +
			strings.Repeat("h\x01", 257) + "tt"), values},
		{"a list in itself", emitting("]\x94h\x00a"), "data: is nested more than 32 levels deep"},
		{"a dict in itself", emitting("}\x94" + short("a") + "h\x00s"), "data: is nested more than 32 levels deep"},
		{"a list in itself many times", emitting("]\x94(" + strings.Repeat("h\x00", 1000) + "e"),
			"data: is nested more than 32 levels deep"},
		{"a list in itself as rooms", []byte("\x80\x04}(" + short("method") + short("emit") + short("event") +
			short("e") + short("data") + "N" + short("room") + "]\x94h\x00au."), "room: has a list"},
		{"levels", emitting(strings.Repeat("]", notify.MaxDepth) + strings.Repeat("a", notify.MaxDepth-1)), ""},
		{"too many levels", emitting(strings.Repeat("]", notify.MaxDepth+1) + strings.Repeat("a", notify.MaxDepth)),
			"data: is nested more than 32 levels deep"},
		{"levels in JSON", ofJSON(deep(notify.MaxDepth)), ""},
		{"too many in JSON", ofJSON(deep(notify.MaxDepth + 1)), "data: is nested more than 32 levels deep"},
		{"far too many", ofJSON(deep(1 << 20)), "json: is not JSON, or is nested more than 35 levels deep"},
		{"marks", []byte("\x80\x04" + strings.Repeat("(", 1<<20) + "."), "pickle: has more than 65536 values"},
		{"notes", []byte("\x80\x04N\x94\x94\x94."), "pickle: notes more values than it has"},
		{"binary values", emitting(listOf(notify.MaxBinary, "C\x01x")), ""},
		{"too many binary values", emitting(listOf(notify.MaxBinary+1, "C\x01x")), "data: has more than 10 binary"},
		{"the same bytes many times", emitting("](" + mega + "\x94" + strings.Repeat("h\x00", 8) + "e"),
			"data: takes more than 8388608 bytes"},
		{"the same text many times", emitting("](" + large + "\x94" + strings.Repeat("h\x00", 1000) + "e"),
			"data: takes more than 8388608 bytes"},
		{"the same key many times", emitting("}(" + large + "\x94N" + strings.Repeat("h\x00N", 1000) + "u"),
			"data: takes more than 8388608 bytes"},
	} {
		_, err := Decode(c.payload)
		if c.want == "" && err != nil || c.want != "" && (!isSkipped(err) || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Text that JSON escapes does not make more of a message than its bound.
func TestEscapedText(t *testing.T) {
	t.Parallel()
	zeros := string(binary.LittleEndian.AppendUint32([]byte{opBinUnicode}, 1<<20)) + strings.Repeat("\x00", 1<<20)
	e, err := Decode(emitting("](" + zeros + "\x94" + strings.Repeat("h\x00", 6) + "e"))
	if !isSkipped(err) || e != nil {
		t.Errorf("%+.200v, %v", e, err)
	}
	if _, err := Decode(emitting(zeros)); err != nil {
		t.Error(err)
	}
}

// An acknowledgement is for the server that asked for it.
func TestCallback(t *testing.T) {
	t.Parallel()
	if e, err := Decode([]byte(`{"method": "callback", "sid": "s", "id": 1, "args": []}`)); !errors.Is(err, nodewire.ErrIgnored) {
		t.Errorf("%+v, %v", e, err)
	}
	e, err := Decode(ofField("callback", `["R", "/", 1]`))
	if err != nil || e.RequestID != "" || !bytes.Equal(e.Packet.JSON, []byte(`["e",1]`)) {
		t.Errorf("%+v, %v", e, err)
	}
}
