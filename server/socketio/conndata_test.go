package socketio

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// Only values that nobody can change are encoded by another goroutine than the one that set them.
func TestPlainValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  bool
	}{
		{1, true},
		{"a", true},
		{2.5, true},
		{true, true},
		{json.RawMessage(`{}`), true},
		{struct {
			N int
			S [2]string
		}{}, true},
		{map[string]any{}, false},
		{[]int{1}, false},
		{&struct{}{}, false},
		{struct{ M map[string]int }{}, false},
		{struct{ V any }{}, false},
		{[1][]string{}, false},
		{time.Time{}, false}, // has a pointer
		{make(chan int), false},
		{func() {}, false},
	} {
		if got := isPlain(reflect.TypeOf(c.value)); got != c.want {
			t.Errorf("%T: %t", c.value, got)
		}
	}
}

// The data of a client in the answers to other servers is what SetData got.
func TestDataIsEncodedWhenItIsSet(t *testing.T) {
	t.Parallel()
	d := &connData{value: map[string]int{"a": 1}, text: json.RawMessage(`{"a":1}`)}
	d.value.(map[string]int)["a"] = 2
	if text, err := json.Marshal(d); string(text) != `{"a":1}` || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
