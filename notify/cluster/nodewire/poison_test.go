package nodewire

import (
	"errors"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Every damaged entry of the recording has one verdict: a fault, nothing for this reader, or the
// message that Node delivers, too.
func TestPoison(t *testing.T) {
	t.Parallel()
	const ignored = "ignored"
	verdicts := []string{
		ignored,
		`type: is "", expected a number from 1 to 13`,
		`data: is missing`,
		`data: not valid JSON at byte 1: got 'b', expected a key in quotes`,
		`data: is neither an object nor base64`,
		`type: is "99", expected a number from 1 to 13`,
		`packet: is nothing, expected an object`,
		`packet: is null, expected an object`,
		`packet.data: is null, expected an array`,
		`/ noflags [1]`,
		`/ x [1]`,
		`/none x [1]`,
		`rc: not valid JSON at byte 0: got 'x', expected a value`,
	}
	lines := recordings(t, "poison-0.3.1")
	if len(lines) != len(verdicts) {
		t.Fatalf("%d lines, %d verdicts", len(lines), len(verdicts))
	}
	for i, r := range lines {
		got, delivered := verdict(t, r.fields())
		if got != verdicts[i] {
			t.Errorf("%q\n got %s\nwant %s", r.Fields, got, verdicts[i])
		}
		// Node skips a namespace that it does not have. Here the Hub has no member in it.
		if want := r.Node == "delivers" || r.fields().Namespace == "/none"; delivered != want {
			t.Errorf("%q: delivered %v, Node %s", r.Fields, delivered, r.Node)
		}
	}
}

func verdict(t *testing.T, f Fields) (verdict string, delivered bool) {
	t.Helper()
	e, err := Decode(f)
	var m *notify.Message
	if err == nil {
		m, err = e.Message(notify.ID{Epoch: notify.StreamEpoch, Seq: 1}, time.Time{})
	}
	var fault *SkipError
	switch {
	case errors.Is(err, ErrIgnored):
		return "ignored", false
	case errors.As(err, &fault):
		return fault.Error(), false
	case err != nil:
		t.Errorf("%q: %T", f, err)
		return "", false
	}
	return m.Namespace + " " + m.Type + " " + string(m.Args), true
}

// More shapes that would stop a Node server, or deliver to clients what nobody has sent.
func TestDamagedBodies(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"packet":{"type":2,"data":["x"]}}`:                        `opts: is nothing, expected an object`,
		`{"packet":{"type":2,"data":["x"]},"opts":null}`:            `opts: is null, expected an object`,
		`{"packet":{"type":2,"data":["x"]},"opts":{}}`:              `opts.rooms: is missing, expected an array`,
		`{"packet":{"type":2,"data":["x"]},"opts":{"rooms":"R"}}`:   `opts.rooms: is the string "R", expected an array`,
		`{"packet":{"type":2,"data":["x"]},"opts":{"rooms":[{}]}}`:  `opts.rooms: is an object, expected a string`,
		`{"packet":{"type":2,"data":["x"]},"opts":{"rooms":["*"]}}`: `ignored`,
		`{"packet":{"type":2,"data":[]},"opts":{"rooms":[]}}`:       `packet.data[0]: event: is 0 bytes long, expected 1 to 200`,
		`{"packet":{"type":2,"data":[1]},"opts":{"rooms":[]}}`:      `packet.data[0]: is the number 1, expected a string`,
		`{"packet":{"type":2,"data":["connect"]},"opts":{"rooms":[]}}`: `packet.data[0]: event: "connect" ` +
			`is reserved by Socket.IO`,
		`{"packet":{"type":4,"data":["x"]},"opts":{"rooms":[]}}`: `packet.type: is not 2, an event`,
		`{"packet":{"data":["x"]},"opts":{"rooms":[]}}`:          `packet.type: is not 2, an event`,
		`{"packet":{"type":2,"data":["x"]},"requestId":7,"opts":{"rooms":[]}}`: `requestId: is the number 7, ` +
			`expected a string`,
		`{"packet":{"type":2,"data":["x"]},"requestId":"r","opts":{"rooms":[]}}`:               `ignored`,
		`{"packet":{"type":2,"data":["x",1,[2 ,3]]},"opts":{"rooms":[7]}}`:                     `/ x [1,[2 ,3]]`,
		`{"packet":{"type":2,"data":["x" , 1 ]},"opts":{"rooms":[]}}`:                          `/ x [ 1 ]`,
		"{\"packet\":{\"type\":2,\"data\":[ \"x\" \n, 1, [2 ,\n3] ]},\"opts\":{\"rooms\":[]}}": `/ x [1,[2,3]]`,
		`{"packet":{"type":2,"data":["x"]},"opts":{"rooms":[]}} `:                              `/ x []`,
		`{"packet":null,"packet":{"type":2,"data":["x"]},"opts":{"rooms":[]}}`:                 `/ x []`,
	} {
		f := Fields{UID: "z", Namespace: "/", Type: "3", Data: data}
		if got, _ := verdict(t, f); got != want {
			t.Errorf("%s\n got %s\nwant %s", data, got, want)
		}
	}
	for namespace, want := range map[string]string{
		"chat":  `nsp: "chat" does not start with '/'`,
		"/a#b":  `nsp: "/a#b" contains '#', ',' or invalid UTF-8`,
		"/\xff": `nsp: "/\xff" contains '#', ',' or invalid UTF-8`,
	} {
		if got, _ := verdict(t, Fields{Namespace: namespace, Type: "3"}); got != want {
			t.Errorf("%s: got %s, want %s", namespace, got, want)
		}
	}
}
