package engineio

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// A browser closes a WebSocket whose page offers subprotocols and whose server selects none.
func TestFirstSubprotocolIsSelected(t *testing.T) {
	f := serve(t, Options{})
	query, _ := f.open()
	for name, query := range map[string]string{
		"websocket only": "", "after an upgrade": query[len("&transport=polling"):],
	} {
		dialer := websocket.Dialer{Subprotocols: []string{"v2.app", "json"}}
		ws, _, err := dialer.Dial(
			"ws"+strings.TrimPrefix(f.url, "http")+"&transport=websocket"+query, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer ws.Close()
		if got := ws.Subprotocol(); got != "v2.app" {
			t.Errorf("%s: subprotocol %q", name, got)
		}
	}
}

func TestSubprotocolHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines []string
		want  string // "": an error
	}{
		{[]string{"a"}, "a"},
		{[]string{"a, b"}, "a"},
		{[]string{"a,b"}, "a"},
		{[]string{" \ta\t , b "}, "a"},
		{[]string{"a", "b"}, "a"}, // RFC 6455 section 11.3.4
		{[]string{"v1.stomp!#$%&'*+-.^_`|~09AZ"}, "v1.stomp!#$%&'*+-.^_`|~09AZ"},
		{[]string{""}, ""},
		{[]string{","}, ""},
		{[]string{"a,"}, ""},
		{[]string{"a,,b"}, ""},
		{[]string{"a b"}, ""},
		{[]string{"a/b"}, ""},
		{[]string{"a;b"}, ""},
		{[]string{`"a"`}, ""},
		{[]string{"é"}, ""},
		{[]string{"a\x00"}, ""},
		{[]string{"a, a"}, ""},
		{[]string{"a", "a"}, ""},
	} {
		got, err := subprotocolHeader(http.Header{subprotocolKey: c.lines})
		if (err != nil) != (c.want == "") || got.Get(subprotocolKey) != c.want {
			t.Errorf("%q: %v %v", c.lines, got, err)
		}
	}
	if got, err := subprotocolHeader(http.Header{}); got != nil || err != nil {
		t.Errorf("without the header: %v %v", got, err)
	}
}

func TestInvalidSubprotocolsAreRefused(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	for _, query := range []string{"&transport=websocket", "&transport=websocket&sid=" + p.ID()} {
		a := f.do("GET", query, nil, "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==",
			"Sec-WebSocket-Protocol", "a, b c")
		f.expect(a, 400, `{"code":3,"message":"Bad request"}`)
	}
	if n := f.s.Len(); n != 1 {
		t.Errorf("%d sessions", n)
	}
	f.expect(f.post(query, "4x"), 200, "ok") // the session can still upgrade
	p.expect(t, "x")
}
