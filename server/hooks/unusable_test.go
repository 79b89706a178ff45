package hooks

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// unusableAnswer is an answer of an application that no hook can use.
type unusableAnswer struct {
	answer  func(http.ResponseWriter, received)
	outcome string
	reason  string // a part of it, in the log
}

func saying(status int, media, body string) func(http.ResponseWriter, received) {
	return func(w http.ResponseWriter, _ received) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// unusableAnswers are those of all hooks.
var unusableAnswers = map[string]unusableAnswer{
	"HTML":      {saying(200, "text/html", "<html>"), "invalid", "expected application/json"},
	"error":     {saying(500, "application/json", `{}`), "status", "the status 500"},
	"large":     {saying(200, "application/json", `"`+strings.Repeat("x", 10<<20)), "invalid", "larger than"},
	"no object": {saying(200, "application/json", `[]`), "invalid", "expected an object"},
	"no JSON":   {saying(200, "application/json", `{"data"`), "invalid", "not valid"},
	"twice":     {saying(200, "application/json", `{"data":{},"data":{}}`), "invalid", "duplicate"},
	"empty key": {saying(200, "application/json", `{"":null}`), "invalid", "unknown field"},
	"deep": {saying(200, "application/json", `{"data":{"a":`+strings.Repeat("[", 99)+
		strings.Repeat("]", 99)+`}}`), "invalid", "deep"},
	"redirect": {func(w http.ResponseWriter, _ received) {
		w.Header().Set("Location", "http://169.254.169.254/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}, "status", "the status 307"},
	"cut":   {func(http.ResponseWriter, received) { panic(http.ErrAbortHandler) }, "unreachable", ""},
	"never": {func(_ http.ResponseWriter, r received) { <-r.gone }, "timeout", "no answer in time"},
	"slowly": {func(w http.ResponseWriter, r received) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		<-r.gone
	}, "timeout", "no answer in time"},
}

// with returns the entries of both maps.
func with[V any](some, others map[string]V) map[string]V {
	all := maps.Clone(some)
	maps.Copy(all, others)
	return all
}

// noSecretInLogs fails when a log line has one of the credentials of a client.
func (s *stack) noSecretInLogs(secrets ...string) {
	s.T.Helper()
	for _, line := range s.logs.All() {
		for _, secret := range secrets {
			if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, secret) {
				s.T.Errorf("the log has a secret: %s", text)
			}
		}
	}
}

// An answer of the connect hook that cannot be used is counted and logged once. A new client is
// disconnected, so that it tries again, a further namespace is refused, and nothing else changes.
func TestUnusableConnectAnswers(t *testing.T) {
	t.Parallel()
	json := func(body string) func(http.ResponseWriter, received) {
		return saying(200, "application/json", `{"userId":"u2",`+body+`}`)
	}
	refusal := func(body string) func(http.ResponseWriter, received) {
		return saying(403, "application/json", body)
	}
	for name, tt := range with(unusableAnswers, map[string]unusableAnswer{
		"empty":                {saying(204, "", ""), "invalid", "the answer is empty"},
		"larger than 64 KiB":   {json(`"data":{"a":"` + strings.Repeat("x", 65<<10) + `"}`), "invalid", "larger than 65536"},
		"unknown field":        {json(`"room":"r"`), "invalid", `unknown field "room"`},
		"user is a number":     {saying(200, "application/json", `{"userId":7}`), "invalid", "userId: got the number 7"},
		"user is empty":        {saying(200, "application/json", `{"userId":""}`), "invalid", "userId"},
		"user is an object":    {saying(200, "application/json", `{"userId":{}}`), "invalid", "userId: got an object"},
		"room of a user":       {json(`"rooms":["user:u1"]`), "invalid", "rooms"},
		"room of a client":     {json(`"rooms":["client:x"]`), "invalid", "rooms"},
		"room of all":          {json(`"rooms":["*"]`), "invalid", "rooms"},
		"rooms are no array":   {json(`"rooms":"r"`), "invalid", "rooms: got"},
		"a room is no string":  {json(`"rooms":[{}]`), "invalid", "rooms[0]"},
		"bad pattern":          {json(`"channels":["a","user:*"]`), "invalid", "channels"},
		"empty pattern":        {json(`"publish":[""]`), "invalid", "publish"},
		"data is no object":    {json(`"data":7`), "invalid", "data: got"},
		"much data":            {json(`"data":{"a":"` + strings.Repeat("x", 17<<10) + `"}`), "invalid", "too large"},
		"time is a number":     {json(`"expiresAt":1764460800`), "invalid", "expiresAt: got"},
		"no time":              {json(`"expiresAt":"tomorrow"`), "invalid", "expiresAt: expected a time"},
		"past time":            {json(`"expiresAt":"2020-01-01T00:00:00Z"`), "invalid", "is in the past"},
		"name is no string":    {json(`"username":[]`), "invalid", "username: got"},
		"refusal in HTML":      {saying(401, "text/html", "<html>"), "invalid", "text/html"},
		"refusal is empty":     {saying(401, "", ""), "status", "the status 401"},
		"refusal without text": {refusal(`{"data":{}}`), "status", "the status 403"},
		"refusal with a field": {refusal(`{"message":"no","code":1}`), "invalid", `unknown field "code"`},
		"refusal is a number":  {refusal(`{"message":7}`), "invalid", "message: got"},
		"refusal is long":      {refusal(`{"message":"` + strings.Repeat("x", 2000) + `"}`), "invalid", "message: is longer"},
		"refusal is large":     {refusal(`{"message":"no","data":"` + strings.Repeat("x", 17<<10) + `"}`), "invalid", "data: is larger"},
		"402":                  {saying(402, "application/json", `{"message":"pay"}`), "status", "the status 402"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newConnectStack(t, func(o *Options) {
				if tt.outcome == "timeout" {
					o.Connects.Timeout = 20 * time.Millisecond
				}
			})
			c, _ := s.Connect(`{"ticket":"` + s.ticket() + `"}`)
			s.app.answers(tt.answer)
			c.Send(`40/chat,{"token":"second-secret"}`)
			want := `44/chat,{"message":"Authentication is not available, try again",` +
				`"data":{"code":"unavailable","retryAfter":1}}`
			if got := c.Read(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			other := s.Dial("")
			other.Send(`40{"token":"second-secret"}`)
			if got := other.Closed(); len(got) > 0 {
				t.Errorf("a new client got %q", got)
			}
			if n := s.app.counted("connect " + tt.outcome); n != 2 {
				t.Errorf("counted %v", s.app.outcomes)
			}
			lines := s.logs.FilterMessage("hook failed").All()
			if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["reason"].(string), tt.reason) {
				t.Errorf("log %+v, want %q once", lines, tt.reason)
			}
			s.noSecretInLogs("second-secret")
			c.Sync()
			s.app.says(`{"userId":"u1"}`)
			servertest.Eventually(t, "the next client is let in", func() bool {
				next := s.Dial("")
				next.Send(`40{}`)
				text, err := next.Next()
				return err == nil && strings.HasPrefix(text, `40{"sid"`)
			})
		})
	}
}
