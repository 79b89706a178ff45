package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzQuery: where Go's parser accepts a query, Query returns the same; it never drops a parameter.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "&", "=", "a", "a=b&a=c", "a%3Db=c%26", "channels=a,b&channels[]=c,d", "a=1;b=2", "%zz=%",
		"userId=%ff", "a=+b+%2B", strings.Repeat("userId&", 1000), strings.Repeat("userId&", 1700), "__proto__=x&constructor=y",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}}
		got := Query(r)
		if isCrowded(r) {
			if len(got) > 0 {
				t.Fatalf("%d parameters of %.40q", len(got), query)
			}
			return
		}
		if want, err := url.ParseQuery(query); err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %q, want %q", query, got, want)
		}
		pairs := 0
		for _, values := range got {
			pairs += len(values)
		}
		want := 0
		for pair := range strings.SplitSeq(query, "&") {
			if pair != "" {
				want++
			}
		}
		if pairs != want {
			t.Fatalf("%q has %d parameters, want %d", query, pairs, want)
		}
	})
}

// FuzzRequest: no query and no headers make the authenticator panic, take a cookie without a known
// page, or let in a user with an invalid name.
func FuzzRequest(f *testing.F) {
	valid := sign(f, good(nil))
	for _, seed := range [][4]string{
		{"userId=alice", "", "", ""},
		{"token=" + valid, "", "", "0"},
		{"userId=bob", "Bearer " + valid, "", "5f3a9c01-7"},
		{"", "bearer  " + valid, "", "-1"},
		{"", "", "auth_token=" + valid, "\xff"},
		{"userId=alice&userId=bob&as[]=a&as=b,c&channels[10]=x&channels[2]=y", "Basic eA==", "a=b;;=", "0"},
		{"ticket=x&sessionId=" + strings.Repeat("s", 65), "Bearer", "auth_token=", ""},
		{"userId=__proto__&username=%00", strings.Repeat(".", 9000), "", "5f3a9c01-01"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	open := newAuth(f, Options{Mode: ModeOpen})
	tokens := newAuth(f, Options{Mode: ModeToken, Secret: testSecret})
	f.Fuzz(func(t *testing.T, query, authorization, cookie, last string) {
		r := httptest.NewRequest("GET", "/sse", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Last-Event-ID", last)
		c := FromRequest(r)
		for _, a := range []*Authenticator{open, tokens} {
			id, err := try(a, c, EventSource)
			known(t, err)
			switch {
			case err != nil:
			case c.FromCookie && id.Verified:
				t.Fatalf("the cookie of an unknown page was accepted as %+v", id)
			case a == tokens && (!id.Verified || id.UserID != "alice"):
				t.Fatalf("%q was accepted as %+v", query, id)
			case !utf8.ValidString(id.UserID) || strings.ContainsAny(id.UserID, "\x00\r\n"):
				t.Fatalf("%q was accepted as %+v", query, id)
			}
		}
	})
}

// FuzzConnectPayload: every object in a CONNECT packet is taken or refused with a known error, and
// a user whom the token does not name is refused.
func FuzzConnectPayload(f *testing.F) {
	valid := sign(f, good(nil))
	for _, payload := range []string{
		`{}`, `{"userId":7}`, `{"userId":9007199254740993}`, `{"userId":1e300}`, `{"userId":{}}`,
		`{"userId":"\ud800"}`, `{"token":"` + valid + `","userId":"bob"}`,
		`{"token":"` + valid + `","channels":["a",1,"b"],"as":["x","type"]}`,
		`{"channels":"a,b","since":0,"sessionId":12}`, `{"channels":[[]]}`, `{"username":{"a":1}}`,
		`{"__proto__":{"userId":"x"},"ticket":null}`, `{"userId":"` + strings.Repeat("a", 200) + `"}`,
	} {
		f.Add([]byte(payload))
	}
	tokens := newAuth(f, Options{Mode: ModeToken, Secret: testSecret})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var fields map[string]json.RawMessage
		if json.Unmarshal(payload, &fields) != nil {
			return
		}
		c, err := Credentials{}.WithAuth(fields)
		if known(t, err); err != nil {
			return
		}
		id, err := try(tokens, c, SocketIO)
		if known(t, err); err == nil && (id.UserID != "alice" || !id.Verified) {
			t.Fatalf("%q was accepted as %+v", payload, id)
		}
	})
}
