package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/servertest"
)

// argsOf returns the arguments of an event with this JSON array and these attachments.
func argsOf(t testing.TB, array string, parts ...string) Args {
	t.Helper()
	var a Args
	if err := json.Unmarshal([]byte(array), &a.raw); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		a.parts = append(a.parts, []byte(part))
	}
	return a
}

func TestBind(t *testing.T) {
	t.Parallel()
	type upload struct {
		Name string
		Size int64
		Data []byte
	}
	const file = `{"name":"a","size":9007199254740993,"data":{"_placeholder":true,"num":1}}`
	for _, tt := range []struct {
		in    string
		parts []string
		to    []any // pointers
		want  []any // their targets
	}{
		{`["a",2,true]`, nil, []any{new(string), new(int), new(bool)}, []any{"a", 2, true}},
		{`["a","ignored"]`, nil, []any{new(string)}, []any{"a"}},
		{`[]`, nil, nil, nil},
		{`[null]`, nil, []any{new(string)}, []any{""}},
		{`[{"n":[1]}]`, nil, []any{new(any)}, []any{map[string]any{"n": []any{1.0}}}},
		{`[{"raw":  1}]`, nil, []any{new(json.RawMessage)}, []any{json.RawMessage(`{"raw":  1}`)}},
		{`[{"_placeholder":true,"num":0}]`, nil, []any{new(map[string]any)},
			[]any{map[string]any{"_placeholder": true, "num": 0.0}}},
		{`["x",{"_placeholder":true,"num":0}]`, []string{"bin"}, []any{new(string), new([]byte)},
			[]any{"x", []byte("bin")}},
		{`[{"_placeholder":true,"num":0}]`, []string{"bin"}, []any{new(any)}, []any{[]byte("bin")}},
		{`[` + file + `]`, []string{"0", "1"}, []any{new(upload)},
			[]any{upload{"a", 9007199254740993, []byte("1")}}},
		{`[[` + file + `]]`, []string{"0", "1"}, []any{new([]upload)},
			[]any{[]upload{{"a", 9007199254740993, []byte("1")}}}},
	} {
		if err := argsOf(t, tt.in, tt.parts...).Bind(tt.to...); err != nil {
			t.Errorf("%s: %v", tt.in, err)
		}
		for i, to := range tt.to {
			if got := reflect.ValueOf(to).Elem().Interface(); !reflect.DeepEqual(got, tt.want[i]) {
				t.Errorf("%s: argument %d is %#v, want %#v", tt.in, i, got, tt.want[i])
			}
		}
	}
}

// The client that sent the arguments receives these texts.
func TestBindErrors(t *testing.T) {
	t.Parallel()
	type point struct {
		X  int8
		At struct{ When time.Time }
	}
	for _, tt := range []struct {
		in    string
		parts []string
		to    []any
		want  string
	}{
		{`[]`, nil, []any{new(string)}, "argument 1: is missing"},
		{`["a"]`, nil, []any{new(string), new(int)}, "argument 2: is missing"},
		{`[1]`, nil, []any{new(string)}, "argument 1: got number, expected string"},
		{`["a",{}]`, nil, []any{new(string), new([]int)}, "argument 2: got object, expected []int"},
		{`[1.5]`, nil, []any{new(int)}, "argument 1: got number 1.5, expected int"},
		{`[{"x":300}]`, nil, []any{new(point)}, "argument 1: X: got number 300, expected int8"},
		{`[{"at":{"when":"now"}}]`, nil, []any{new(point)}, "argument 1: cannot be decoded"},
		{`["aGk="]`, nil, []any{new([]byte)}, "argument 1: expected binary"},
		{`["aGk=",{"_placeholder":true,"num":0}]`, []string{"b"}, []any{new([]byte)},
			"argument 1: expected binary"},
		{`[{"_placeholder":true,"num":0}]`, []string{"b"}, []any{new(int)},
			"argument 1: got string, expected int"},
		{`[{"_placeholder":true,"num":1}]`, []string{"b"}, []any{new([]byte)},
			"argument 1: placeholder is out of range"},
		{`[{"_placeholder":true,"num":0.5}]`, []string{"b"}, []any{new(any)},
			"argument 1: placeholder is out of range"},
		{`[[{"_placeholder":true,"num":-1}]]`, []string{"b"}, []any{new([]string)},
			"argument 1: placeholder is out of range"},
		{`[{"_placeholder":true}]`, []string{"b"}, []any{new([]byte)},
			"argument 1: placeholder is out of range"},
	} {
		err := argsOf(t, tt.in, tt.parts...).Bind(tt.to...)
		var argument *ArgumentError
		if !errors.As(err, &argument) || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.in, err, tt.want)
		}
	}
	unchanged := []byte("before")
	if err := argsOf(t, `["text"]`).Bind(&unchanged); err == nil || string(unchanged) != "before" {
		t.Errorf("an argument that is no binary left %q, %v", unchanged, err)
	}
}

// Arguments with binary values are equal after an encoding and a decoding.
func TestArgumentsSurviveTheWire(t *testing.T) {
	t.Parallel()
	value := rapid.Custom(func(t *rapid.T) any { return drawValue(t, 3) })
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(value, 0, 4).Draw(t, "args")
		id := rapid.Uint64Max(maxAckID).Draw(t, "id")
		text, attachments, err := encodePacket(kindAck, "/n", &id, args)
		if err != nil {
			t.Fatal(err)
		}
		if len(attachments) > standardLimits.attachments {
			t.Skip("more attachments than a client may send")
		}
		p, err := decodePacket(text, standardLimits)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if p.attachments != len(attachments) || p.id != id {
			t.Fatalf("%s has %d attachments", text, len(attachments))
		}
		got, err := Args{p.args, attachments}.Values()
		if err != nil {
			t.Fatal(err)
		}
		if len(args) == 0 && len(got) == 0 {
			return
		}
		if !reflect.DeepEqual(got, args) {
			t.Fatalf("%s: got %#v, want %#v", text, got, args)
		}
	})
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return float64(rapid.IntRange(-1000, 1000).Draw(t, "number"))
	case 3:
		return rapid.String().Draw(t, "text")
	case 4:
		return rapid.SliceOf(rapid.Byte()).Draw(t, "binary")
	case 5:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range list {
			list[i] = drawValue(t, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for _, key := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 3,
		rapid.ID).Draw(t, "keys") {
		object[key] = drawValue(t, depth-1)
	}
	return object
}

// Only the first acknowledgement counts, and an event that asks for none sends none.
func TestAckCountsOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	wants := make(chan bool, 2)
	s.sio.Of("/").On("x", func(_ context.Context, _ *Conn, e *Event) error {
		wants <- e.WantsAck()
		e.Ack("first")
		e.Ack("second")
		return fmt.Errorf("a failure behind the acknowledgement")
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`42["x"]`)
	c.Send(`421["x"]`)
	expectExactly(t, c, `431["first"]`)
	c.Sync()
	if servertest.Receive(t, wants) || !servertest.Receive(t, wants) {
		t.Error("WantsAck is wrong")
	}
}
