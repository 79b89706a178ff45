package auth

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func payload(t *testing.T, s string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// encoded returns the fields of a payload.
func encoded(t *testing.T, fields map[string]any) map[string]json.RawMessage {
	t.Helper()
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return payload(t, string(text))
}

func TestWithAuth(t *testing.T) {
	full := request("/socket.io/?token=Q&userId=q&username=Q&sessionId=q&channels=q&as=q&since=q")
	bearer := request("/socket.io/", "Authorization", "Bearer H")
	cookie := request("/socket.io/", "Cookie", "auth_token=C", "Origin", "https://x.example")
	for _, tt := range []struct {
		name string
		from Credentials
		auth string
		want Credentials
	}{
		{"no payload", full, `null`, full},
		{"empty payload", full, `{}`, full},
		{"empty strings and nulls are absent", full,
			`{"token":"","userId":null,"username":"","sessionId":"","channels":"","as":null,` +
				`"since":"","ticket":""}`, full},
		{"all fields", full,
			`{"token":"T","ticket":"K","userId":"q","username":"N","sessionId":"s",` +
				`"channels":["a","b,c"],"as":["event","type"],"since":"0"}`,
			Credentials{Token: "T", Ticket: "K", UserID: "q", Username: "N", SessionID: "s",
				Channels: []string{"a", "b,c"}, As: []string{"event", "type"}, Since: "0"}},
		{"strings for lists", Credentials{}, `{"channels":"a, b","as":"event"}`,
			Credentials{Channels: []string{"a", "b"}, As: []string{"event"}}},
		{"an empty list is a list", full, `{"channels":[]}`,
			Credentials{Token: "Q", UserID: "q", Username: "Q", SessionID: "q", As: []string{"q"},
				Since: "q"}},
		{"lastEventId", Credentials{}, `{"lastEventId":"x"}`, Credentials{Since: "x"}},
		{"number as user id", Credentials{}, `{"userId":42}`, Credentials{UserID: "42"}},
		{"numbers as session and place", Credentials{}, `{"userId":"u","sessionId":7,"since":0}`,
			Credentials{UserID: "u", SessionID: "7", Since: "0"}},
		{"large number as user id", Credentials{}, `{"userId":9007199254740992}`,
			Credentials{UserID: "9007199254740992"}},
		{"token before header", bearer, `{"token":"T"}`, Credentials{Token: "T"}},
		{"header before ticket", bearer, `{"ticket":"K"}`, Credentials{Token: "H", Ticket: "K"}},
		{"ticket before cookie", cookie, `{"ticket":"K"}`,
			Credentials{Ticket: "K", OriginKnown: true}},
		{"token before cookie", cookie, `{"token":"T"}`,
			Credentials{Token: "T", OriginKnown: true}},
		{"cookie before user id", cookie, `{"userId":"bob"}`,
			Credentials{Token: "C", FromCookie: true, OriginKnown: true, UserID: "bob"}},
		{"user ids that differ are all kept", full, `{"userId":"bob"}`,
			Credentials{Token: "Q", UserID: "bob", Username: "Q", SessionID: "q",
				Channels: []string{"q"}, As: []string{"q"}, Since: "q", other: "q"}},
		{"fields of the application", Credentials{},
			`{"userId":"a","tenant":{"id":1},"__proto__":{"token":"x"},"Token":"x"}`,
			Credentials{UserID: "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.from.WithAuth(payload(t, tt.auth))
			if len(got.Channels) == 0 {
				got.Channels = nil
			}
			if err != nil || !reflect.DeepEqual(fieldsOf(got), fieldsOf(tt.want)) {
				t.Errorf("got  %#v, %v\nwant %#v", fieldsOf(got), err, fieldsOf(tt.want))
			}
		})
	}
	if full.UserID != "q" || full.Token != "Q" {
		t.Error("WithAuth changed its receiver")
	}
}

func TestWithAuthRefusesTypes(t *testing.T) {
	many := `["c"` + strings.Repeat(`,"c"`, 1000) + `]`
	for auth, want := range map[string]string{
		`{"token":1}`:             "token: got a number, expected a string",
		`{"token":{"a":1}}`:       "token: got an object of 1 fields, expected a string",
		`{"token":["x"]}`:         "token: got an array of 1, expected a string",
		`{"ticket":true}`:         "ticket: got a boolean",
		`{"userId":1.5}`:          "userId: got a number",
		`{"userId":1e300}`:        "userId: got a number",
		`{"userId":{"$ne":null}}`: "userId: got an object",
		`{"userId":["a"]}`:        "userId: got an array",
		`{"userId":"a\u0000"}`:    "userId: ",
		`{"userId":"\ud800"}`:     "userId: ",
		`{"sessionId":7.5}`:       "sessionId: got a number",
		`{"sessionId":"` + strings.Repeat("s", 65) + `"}`: "sessionId: ",
		`{"since":7.5}`:             "since: got a number",
		`{"channels":7.5}`:          "channels: got a number",
		`{"channels":["a",1e300]}`:  "channels: got a number, expected strings in it",
		`{"channels":[null]}`:       "channels: got null",
		`{"channels":` + many + `}`: "channels: got an array of 1001",
		`{"channels":{"a":1}}`:      "channels: got an object",
		`{"as":[["x"]]}`:            "as: got an array of 1",
		`{"as":["connected"]}`:      `as: "connected"`,
	} {
		c, err := Credentials{Token: "T", UserID: "alice"}.WithAuth(payload(t, auth))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error %v, want %q in it", auth, err, want)
		}
		if c.Token != "" || c.UserID != "" {
			t.Errorf("%.60s: credentials were returned with an error", auth)
		}
	}
}

// Whole numbers are names, because many applications number their users and rooms.
func TestNumbersAreNames(t *testing.T) {
	c, err := Credentials{}.WithAuth(payload(t, `{"userId":42,"username":42,"channels":["a",7,-1]}`))
	if err != nil || c.UserID != "42" || c.Username != "42" ||
		!slices.Equal(c.Channels, []string{"a", "7", "-1"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = (Credentials{}).WithAuth(payload(t, `{"channels":7}`)); err != nil ||
		!slices.Equal(c.Channels, []string{"7"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// Of several ids of one epoch the newest counts, wherever it is.
func TestNewestEventID(t *testing.T) {
	for _, tt := range []struct{ header, query, want string }{
		{"", "lastEventId=5f3a9c01-2&lastEventId=5f3a9c01-10", "5f3a9c01-10"},
		{"", "lastEventId=5f3a9c01-10&lastEventId=5f3a9c01-2", "5f3a9c01-10"},
		{"5f3a9c01-3", "lastEventId=5f3a9c01-10", "5f3a9c01-10"},
		{"5f3a9c01-3", "lastEventId=00000001-10", "5f3a9c01-3"},
		{"", "since=5f3a9c01-4&last_event_id=5f3a9c01-3", "5f3a9c01-4"},
		{"0", "lastEventId=5f3a9c01-10", "0"},
		{"", "lastEventId=&lastEventId=x&lastEventId=5f3a9c01-1", "x"},
		{"1764201600000-9", "lastEventId=1764201600001-0", "1764201600001-0"},
		{"1764201600000-9", "lastEventId=1764201600000-10", "1764201600000-10"},
		{"1764201600001-0", "lastEventId=1764201600000-10", "1764201600001-0"},
		{"1764201600001-0", "lastEventId=5f3a9c01-99", "1764201600001-0"},
		{"5f3a9c01-99", "lastEventId=1764201600001-0", "5f3a9c01-99"},
		{"1764201600001-0", "lastEventId=176420160000x-1", "1764201600001-0"},
		{"", "", ""},
	} {
		r := httptest.NewRequest("GET", "/sse?"+tt.query, nil)
		if tt.header != "" {
			r.Header.Set("Last-Event-ID", tt.header)
		}
		if got := FromRequest(r).Since; got != tt.want {
			t.Errorf("%q, %s: %q, want %q", tt.header, tt.query, got, tt.want)
		}
	}
}
