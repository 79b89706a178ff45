package socketio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// hostileIDs are JSON texts of user ids that are easily confused with another one of the list, or
// with a name that has a meaning.
var hostileIDs = []string{
	`"u"`, `"U"`, `"u "`, `" u"`, `"u\u0000"`, `"u\u200b"`, `"u."`, `"u%20"`, `"u+"`, `"u,v"`, `"u;v"`,
	`"é"`, `"e\u0301"`, `"ｕ"`, `"\ud800"`, `"\udfff"`, `"\ud800\ud800"`, `"\ufffd"`, `"\ud83d\ude00"`,
	`"1"`, `1`, `"01"`, `"1.0"`, `1.0`, `"1e0"`, `"*"`, `"user:u"`, `"client:u"`, `"/n#u"`, `"#u"`,
	`"__proto__"`, `"constructor"`, `"anonymous"`, `"null"`, `null`, `""`, `"undefined"`, `"a:b"`,
}

// A11 of the fault list: a client of one user gets nothing of another, however their ids are
// spelled and encoded, in the payload of CONNECT and in the query. An id is refused, or it is one
// user in every place.
func TestUsersAreIsolated(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.RateBurst, o.PingInterval = 1000, time.Hour // the clients answer no pings for a while
	})
	type reader struct {
		id   string // as text
		name string
		next func() (string, bool)
	}
	var readers []reader
	for _, id := range hostileIDs {
		c := s.Dial("")
		c.Send(`40{"userId":` + id + `}`)
		first := c.Read()
		if text, ok := idOf(id); ok && strings.HasPrefix(first, "40{") {
			readers = append(readers, reader{text, "socket " + id, func() (string, bool) {
				return c.Read(), true
			}})
		} else if !strings.HasPrefix(first, "44{") {
			t.Errorf("%s: the answer to CONNECT is %s", id, first)
		}
	}
	for _, id := range append([]string{"%ED%A0%80", "%FF", "%C3", "%EF%BF%BD", "u%00"}, queries(t)...) {
		query, err := url.ParseQuery("userId=" + id)
		if err != nil {
			t.Fatal(err)
		}
		res, lines := s.Stream(query, nil)
		defer res.Body.Close()
		if res.StatusCode == http.StatusOK {
			readers = append(readers, reader{query.Get("userId"), "stream " + id, func() (string, bool) {
				ok := lines.Scan()
				return lines.Text(), ok
			}})
		}
	}
	sent := map[string]bool{}
	for _, id := range hostileIDs {
		body := `{"target":{"user":` + id + `},"type":"own","data":` + id + `}`
		_, text := servertest.Do(t, "POST", "http://"+s.Base+"/v1/notifications", body,
			"Authorization: Bearer "+servertest.Key, "Content-Type: application/json")
		if strings.Contains(text, `"delivered":`) {
			text, _ := idOf(id)
			sent[text] = true
		}
	}
	if len(sent) < 15 || len(readers) < 30 {
		t.Errorf("%d users and %d readers", len(sent), len(readers))
	}
	servertest.Do(t, "POST", "http://"+s.Base+"/v1/notifications", `{"target":{"all":true},"type":"end"}`,
		"Authorization: Bearer "+servertest.Key, "Content-Type: application/json")
	for _, r := range readers {
		got := 0
		for {
			text, ok := r.next()
			if !ok || strings.Contains(text, `"type":"end"`) {
				break
			}
			_, data, found := strings.Cut(text, `"type":"own","data":`)
			if !found {
				continue
			}
			data, _, _ = strings.Cut(data, `,"timestamp"`)
			got++
			if of, _ := idOf(data); of != r.id {
				t.Errorf("%s of %q got a notification for %q", r.name, r.id, of)
			}
		}
		if want := sent[r.id]; want && got == 0 {
			t.Errorf("%s of %q got nothing", r.name, r.id)
		}
	}
}

// idOf returns the user id that a JSON text means. A whole number is its decimal text.
func idOf(text string) (id string, ok bool) {
	if strings.HasPrefix(text, `"`) {
		return id, json.Unmarshal([]byte(text), &id) == nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	return text, text != "null"
}

// queries returns the ids as values of a query.
func queries(t *testing.T) (all []string) {
	t.Helper()
	for _, id := range hostileIDs {
		if text, ok := idOf(id); ok && text != "" {
			all = append(all, url.QueryEscape(text))
		}
	}
	return all
}

// A04 and A13 of the fault list: the end of a token, and a disconnect by the API, end a connection
// soon, and it cannot be resumed. The figures are checked in make soak.
func TestEndsComeSoon(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	token := servertest.TokenFor(t, time.Now().Add(time.Hour))
	ended := s.Dial("")
	ended.Send(`40{"token":"` + token + `"}`)
	pid := ended.Read()
	_, pid, _ = strings.Cut(pid, `"pid":"`)
	pid, _, _ = strings.Cut(pid, `"`)

	start := time.Now()
	servertest.Do(t, "DELETE", "http://"+s.Base+"/v1/users/u1/connections", "",
		"Authorization: Bearer "+servertest.Key)
	ended.Closed()
	disconnect := time.Since(start)
	c := s.Dial("")
	hello := c.Join(fmt.Sprintf(`{"token":%q,"pid":%q,"offset":"x"}`, token, pid))
	if hello.Recovered {
		t.Error("a session was resumed after a disconnect by the API")
	}

	end := time.Now().Add(3 * time.Second).Truncate(time.Second)
	expiring := s.Dial("")
	expiring.Join(`{"token":"` + servertest.TokenFor(t, end) + `"}`)
	expiring.Event("auth:expiring", nil)
	expiring.Event("auth:expired", nil)
	expiring.Closed()
	expiry := time.Since(end)
	t.Logf("closed %v after the disconnect, and %v after the end of the token", disconnect, expiry)
	if servertest.Soaked(1) > 1 && (disconnect > time.Second || expiry < 0 || expiry > 2*time.Second) {
		t.Error("that is too late or too early")
	}
}
