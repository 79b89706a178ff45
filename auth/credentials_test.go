package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// request reads the credentials of a GET. headers are names and values in turn.
func request(target string, headers ...string) Credentials {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	return FromRequest(r)
}

func TestFromRequest(t *testing.T) {
	for _, tt := range []struct {
		name    string
		target  string
		headers []string
		want    Credentials
	}{
		{"nothing", "/sse", nil, Credentials{}},
		{"empty strings are absent",
			"/sse?userId=&username=&token=&ticket=&channels=&sessionId=&as=&since=",
			[]string{"Authorization", "", "Cookie", "auth_token=", "Last-Event-ID", ""},
			Credentials{}},
		{"all fields",
			"/sse?userId=alice&username=Al%20A&token=T&ticket=K&channels=a," +
				"b&channels=c&sessionId=s&as=event&since=1a2b3c4d-7", nil,
			Credentials{UserID: "alice", Username: "Al A", Token: "T", Ticket: "K",
				Channels:  []string{"a", "b", "c"},
				SessionID: "s", As: []string{"event"}, Since: "1a2b3c4d-7"}},
		{"channels with spaces and holes", "/sse?channels=,a,%20b%20,,&channels=", nil,
			Credentials{Channels: []string{"a", "b"}}},
		{"a channel with commas", "/sse?channel=geo:52.52,13.40&channels=a,b&channel=c&channel=",
			nil, Credentials{Channels: []string{"a", "b", "geo:52.52,13.40", "c"}}},
		{"an array of channels", "/sse?channels[]=a,b&channels%5B%5D=c", nil,
			Credentials{Channels: []string{"a,b", "c"}}},
		{"an array of channels with indexes",
			"/sse?channels%5B10%5D=d&channels[2]=c&channels[0]=a&channel[1]=b,b&as[]=x", nil,
			Credentials{Channels: []string{"b,b", "a", "c", "d"}, As: []string{"x"}}},
		{"what only looks like an array", "/sse?channels[=a&channels]=b&channels[x]=c&[]=d", nil,
			Credentials{}},
		{"semicolons and malformed escapes are text",
			"/sse?channel=a;b&channel=100%&channel=%4&channel=%41%zz+%C3%A9", nil,
			Credentials{Channels: []string{"a;b", "100%", "%4", "A%zz é"}}},
		{"lastEventId", "/sse?lastEventId=x", nil, Credentials{Since: "x"}},
		{"last_event_id", "/sse?last_event_id=x", nil, Credentials{Since: "x"}},
		{"lastEventId before since", "/sse?since=a&last_event_id=b&lastEventId=c", nil,
			Credentials{Since: "c"}},
		{"the header wins", "/sse?lastEventId=c", []string{"Last-Event-ID", "h"},
			Credentials{Since: "h"}},
		{"bearer", "/sse", []string{"Authorization", "Bearer T"}, Credentials{Token: "T"}},
		{"bearer in another case", "/sse", []string{"Authorization", "bEARER  T "},
			Credentials{Token: "T"}},
		{"another scheme", "/sse", []string{"Authorization", "Basic YTpi"}, Credentials{}},
		{"no scheme", "/sse", []string{"Authorization", "T"}, Credentials{}},
		{"query before header", "/sse?token=Q",
			[]string{"Authorization", "Bearer H", "Cookie", "auth_token=C"},
			Credentials{Token: "Q"}},
		{"header before cookie", "/sse",
			[]string{"Authorization", "Bearer H", "Cookie", "auth_token=C"},
			Credentials{Token: "H"}},
		{"ticket before cookie", "/sse?ticket=K", []string{"Cookie", "auth_token=C"},
			Credentials{Ticket: "K"}},
		{"cookie", "/sse", []string{"Cookie", "a=b; auth_token=C"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie from a page", "/sse", []string{"Cookie", "auth_token=C", "Origin",
			"https://x.example"},
			Credentials{Token: "C", FromCookie: true, OriginKnown: true}},
		{"cookie from the own page", "/sse",
			[]string{"Cookie", "auth_token=C", "Sec-Fetch-Site", "same-origin"},
			Credentials{Token: "C", FromCookie: true, OriginKnown: true}},
		{"cookie from another page without origin", "/sse",
			[]string{"Cookie", "auth_token=C", "Sec-Fetch-Site", "cross-site"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie by an address typed in", "/sse",
			[]string{"Cookie", "auth_token=C", "Sec-Fetch-Site", "none"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie over plain HTTP from the own page", "/sse",
			[]string{"Cookie", "auth_token=C", "Referer", "http://EXAMPLE.com/page?a=b"},
			Credentials{Token: "C", FromCookie: true, OriginKnown: true}},
		{"cookie from another page with its Referer", "/sse",
			[]string{"Cookie", "auth_token=C", "Referer", "http://evil.test/example.com"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie with a Referer that contradicts Sec-Fetch-Site", "/sse", []string{"Cookie",
			"auth_token=C", "Referer", "http://example.com/", "Sec-Fetch-Site", "cross-site"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie without a host", "/sse", []string{"Cookie", "auth_token=C", "Host", ""},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie over TLS from a page that is not", "https://example.com/sse",
			[]string{"Cookie", "auth_token=C", "Referer", "http://example.com/"},
			Credentials{Token: "C", FromCookie: true}},
		{"cookie over TLS from the own page", "https://example.com/sse",
			[]string{"Cookie", "auth_token=C", "Referer", "https://example.com/"},
			Credentials{Token: "C", FromCookie: true, OriginKnown: true}},
		{"user ids that agree", "/sse?userId=a&userId=a&userId=", nil, Credentials{UserID: "a"}},
		{"user ids that do not", "/sse?userId=a&userId=b&userId=c&userId=b", nil,
			Credentials{UserID: "a", other: "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := request(tt.target, tt.headers...)
			if !reflect.DeepEqual(fieldsOf(got), fieldsOf(tt.want)) {
				t.Errorf("got  %#v\nwant %#v", fieldsOf(got), fieldsOf(tt.want))
			}
		})
	}
}

func TestFromRequestRefusesFields(t *testing.T) {
	a := newAuth(t, Options{})
	for query, want := range map[string]string{
		"userId=%00":                         "userId: ",
		"userId=a%0Ab":                       "userId: ",
		"userId=%20a":                        "userId: ",
		"userId=" + strings.Repeat("a", 129): "userId: ",
		"userId=a&userId=%00":                "userId: ",
		"userId=%FF":                         "userId: ",
		"userId=a%E2%80%AEb":                 "userId: ",
		"userId=a&sessionId=" + strings.Repeat("s", 65):   "sessionId: ",
		"userId=a&sessionId=%1B":                          "sessionId: ",
		"userId=a&as=connect":                             `as: "connect"`,
		"userId=a&as=error":                               `as: "error"`,
		"userId=a&as=auth:x":                              `as: "auth:x"`,
		"userId=a&as=a%0Ab":                               "as: ",
		"userId=a&as=a,b,c,d,e,f,g,h,i":                   "as: expected at most 8 names",
		"userId=a&channels=" + strings.Repeat("c,", 1001): "channels: expected at most 1000",
		"userId=a" + strings.Repeat("&x=", maxParameters): "query: expected at most 1024 parameters",
	} {
		c := request("/sse?" + query)
		c.UserID = or(c.UserID, "alice")
		_, err := try(a, c, EventSource)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v, want %q in it", query, err, want)
		}
		if _, err := c.WithAuth(payload(t, `{"userId":"bob"}`)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40s: the error is lost with an auth payload: %v", query, err)
		}
	}
	fits := request("/sse?userId=a&sessionId=" + strings.Repeat("s", 64) +
		"&as=type,message" + strings.Repeat("&channels[]=user:b", maxChannels))
	if id, err := try(a, fits, EventSource); err != nil || id.UserID != "a" {
		t.Errorf("got %+v, %v", id, err)
	}
}

// A user id that differs from the subject is refused in every field and in every combination.
func TestUserIDNeverOverridesSubject(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	token := sign(t, good(nil)) // alice
	bearer, cookie := []string{"Authorization", "Bearer " + token},
		[]string{"Cookie", "auth_token=" + token, "Origin", "https://x.example"}
	q := "token=" + url.QueryEscape(token)
	for _, tt := range []struct {
		query   string
		headers []string
		auth    map[string]any
		ok      bool
	}{
		{"userId=alice&" + q, nil, nil, true},
		{"userId=bob&" + q, nil, nil, false},
		{"userId=bob", bearer, nil, false},
		{"userId=bob", cookie, nil, false},
		{"userId=alice", cookie, nil, true},
		{"userId=alice&userId=bob&" + q, nil, nil, false},
		{"userId=bob&userId=alice&" + q, nil, nil, false},
		{"userId=Alice&" + q, nil, nil, false},
		{"userId=al%C4%B1ce&" + q, nil, nil, false},
		{"", bearer, map[string]any{"userId": "bob"}, false},
		{"", nil, map[string]any{"userId": "bob", "token": token}, false},
		{"", nil, map[string]any{"userId": "alice", "token": token}, true},
		{"userId=bob", nil, map[string]any{"userId": "alice", "token": token}, false},
		{"userId=alice", bearer, map[string]any{"userId": "bob"}, false},
		{"userId=bob", bearer, map[string]any{"userId": "alice"}, false},
		{"userId=bob", nil, map[string]any{"token": token}, false},
		{"userId=bob", cookie, map[string]any{"token": token, "userId": ""}, false},
	} {
		c, err := request("/x?"+tt.query, tt.headers...).WithAuth(encoded(t, tt.auth))
		if err != nil {
			t.Fatal(err)
		}
		if !tt.ok {
			refused(t, a, c, ErrInvalid)
		} else if id, err := try(a, c, SocketIO); err != nil || id.UserID != "alice" {
			t.Errorf("%v: %+v, %v", tt, id, err)
		}
	}
}

// Printed credentials contain neither token nor ticket.
func TestCredentialsPrintNoToken(t *testing.T) {
	c := request("/x?token=canary-token&ticket=canary-ticket&userId=alice")
	encoded, err := json.Marshal(struct{ C Credentials }{c})
	if err != nil {
		t.Fatal(err)
	}
	text := string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text += fmt.Sprintf(verb+verb, c, []any{&c, struct{ C Credentials }{c}})
	}
	if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) ||
		!strings.Contains(text, "alice") {
		t.Error(text)
	}
}
