package sse

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/notify"
)

func escape(s string) string { return url.QueryEscape(s) }

// post changes the channels of a stream. headers has pairs of a name and a value.
func post(t *testing.T, target, body string, headers ...string) (status int, answer changed) {
	t.Helper()
	status, text, _ := say(t, target, body, headers...)
	if status == 200 {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return status, answer
}

func (r *rig) channelsOf(clientID string) []string {
	in := slices.DeleteFunc(r.hub.Member("/", clientID).Rooms(), func(room string) bool {
		return strings.ContainsAny(room, "*:")
	})
	slices.Sort(in)
	return in
}

func TestChangeChannels(t *testing.T) { bothWays(t, testChangeChannels) }

func testChangeChannels(t *testing.T, w way) {
	r := newRig(t, Options{DefaultChannels: []string{"general"}, MaxRooms: 3})
	srv := r.serve(t, w)
	c := open(t, srv.URL+"/sse?userId=u1&channels=news,a%20b")
	target := srv.URL + "/sse/" + c.hello.ClientID + "/channels?userId=u1"
	for _, step := range []struct {
		body string
		want changed
		in   []string
	}{
		{`{}`, changed{[]string{}, []string{}, []string{}}, []string{"a b", "general", "news"}},
		{`{"join":["orders","user:u2"],"leave":["news"]}`,
			changed{[]string{"orders"}, []string{"news"}, []string{"user:u2"}},
			[]string{"a b", "general", "orders"}},
		{`{"join":["orders","x","y"]}`, changed{[]string{"orders", "x"}, []string{}, []string{"y"}},
			[]string{"a b", "general", "orders", "x"}},
		{`{"leave":["x"],"join":["x"]}`, changed{[]string{"x"}, []string{"x"}, []string{}},
			[]string{"a b", "general", "orders", "x"}},
		{`{"leave":["user:u1","*","a b"]}`, changed{[]string{}, []string{"a b"}, []string{}},
			[]string{"general", "orders", "x"}},
	} {
		status, got := post(t, target, step.body)
		if status != 200 || !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %d %+v, want %+v", step.body, status, got, step.want)
		}
		if in := r.channelsOf(c.hello.ClientID); !slices.Equal(in, step.in) {
			t.Errorf("%s: in %q, want %q", step.body, in, step.in)
		}
	}
	r.publish(t, notify.Notification{Type: "left"}, notify.ToChannel("news"))
	r.publish(t, notify.Notification{Type: "joined"}, notify.ToChannel("orders"))
	r.publish(t, notify.Notification{Type: "own"}, notify.ToUser("u1"))
	c.want("joined")
	c.want("own")
}

func TestChangeChannelsRefused(t *testing.T) { bothWays(t, testChangeChannelsRefused) }

func testChangeChannelsRefused(t *testing.T, w way) {
	r, token := newRig(t, Options{}), tokenRig(t)
	srv := r.serve(t, w)
	alice := open(t, srv.URL+"/sse?userId=alice").hello.ClientID
	anonymous := open(t, srv.URL+"/sse").hello.ClientID
	socket, err := r.hub.Attach(notify.Attachment{ClientID: "a-socket", UserID: "alice",
		Namespace: "/", Transport: "websocket"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Detach()
	foreign := open(t, newRig(t, Options{}).serve(t, w).URL+"/sse").hello.ClientID
	const body = `{"join":["a"]}`
	for _, c := range []struct {
		name, target, body string
		status             int
		problem            string
	}{
		{"another user", alice + "/channels?userId=bob", body, 403,
			"this stream belongs to another user"},
		{"anonymous", alice + "/channels", body, 403, "this stream belongs to another user"},
		{"unknown", "x/channels?userId=alice", body, 404, "no running stream has this client id"},
		{"another node's", foreign + "/channels", body, 404,
			"no running stream has this client id"},
		{"a socket", "a-socket/channels?userId=alice", body, 404,
			"no running stream has this client id"},
		{"unknown field", alice + "/channels?userId=alice", `{"join":["a"],"Leave":[]}`, 400,
			`body: unknown field \"Leave\", expected join or leave`},
		{"twice", alice + "/channels?userId=alice", `{"join":["a"],"join":[]}`, 400,
			`join: duplicate key \"join\"`},
		{"not an array", alice + "/channels?userId=alice", `{"join":"a"}`, 400,
			"join: expected an array of channel names"},
		{"not an object", alice + "/channels?userId=alice", `[]`, 400,
			`body: expected a JSON object such as {\"join\":[\"orders\"]}`},
		{"null", alice + "/channels?userId=alice", `null`, 400, "body: expected a JSON object"},
		{"empty", alice + "/channels?userId=alice", ``, 400,
			"body: not valid JSON at byte 0: got the end, expected a value"},
		{"trailing", alice + "/channels?userId=alice", body + `{}`, 400,
			"body: not valid JSON at byte 14: got '{', expected the end"},
		{"cut", alice + "/channels?userId=alice", `{"join":["a"]`, 400,
			"body: not valid JSON at byte 13: got the end, expected ',' or '}'"},
		{"no UTF-8", alice + "/channels?userId=alice", "{\"join\":[\"\xff\"]}", 400,
			"body: not valid UTF-8 at byte 10"},
		{"too long", alice + "/channels?userId=alice",
			`{"join":["` + strings.Repeat("a", 64<<10) + `"]}`, 413, "payload_too_large"},
		{"an anonymous stream, by anyone who knows it", anonymous + "/channels", body, 403,
			"X-Stream-Secret"},
		{"an anonymous stream, by a user", anonymous + "/channels?userId=bob", body, 403,
			"X-Stream-Secret"},
	} {
		resp, err := http.Post(srv.URL+"/sse/"+c.target, "application/json; charset=utf-8",
			strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(text), c.problem) {
			t.Errorf("%s: %d %s, want %d %s", c.name, resp.StatusCode, text, c.status, c.problem)
		}
	}
	for method, status := range map[string]int{"GET": 405, "PUT": 405, "DELETE": 405} {
		rec := httptest.NewRecorder()
		r.routes().ServeHTTP(rec, httptest.NewRequest(method,
			"/sse/"+alice+"/channels?userId=alice", nil))
		if rec.Code != status || rec.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
	rec := httptest.NewRecorder()
	r.routes().ServeHTTP(rec, httptest.NewRequest("POST", "/sse/"+alice+"/channels?userId=alice",
		strings.NewReader(body)))
	if rec.Code != 415 { // like a form of another origin
		t.Errorf("no content type: %d", rec.Code)
	}
	tsrv := token.serve(t, w)
	if status, _ := post(t, tsrv.URL+"/sse/x/channels", body); status != 401 {
		t.Errorf("no credentials: %d", status)
	}
	// A newer token of the same user applies its own rights.
	first := open(t, tsrv.URL+"/sse?token="+
		sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"a"}})).hello.ClientID
	newer := sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"b"}})
	if _, got := post(t, tsrv.URL+"/sse/"+first+"/channels?token="+newer,
		`{"join":["a","b"]}`); !slices.Equal(got.Joined, []string{"b"}) ||
		!slices.Equal(got.Denied, []string{"a"}) {
		t.Errorf("newer token: %+v", got)
	}
}

// The handler also reads the route variable of gorilla/mux.
func TestChannelsByMux(t *testing.T) {
	r := newRig(t, Options{})
	routes := mux.NewRouter()
	routes.Handle("/sse/{clientId}/channels", r.Channels())
	c := open(t, r.serve(t, taken).URL+"/sse")
	req := httptest.NewRequest("POST", "/sse/"+c.hello.ClientID+"/channels",
		strings.NewReader(`{"join":["a"]}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(HeaderSecret, c.hello.Secret)
	rec := httptest.NewRecorder()
	routes.ServeHTTP(rec, req)
	if rec.Code != 200 || rec.Body.String() != `{"joined":["a"],"left":[],"denied":[]}`+"\n" ||
		rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func FuzzChange(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"join":["a"],"leave":["b"]}`, `{"join":null}`,
		`{"join":[],"join":[]}`, `{"x":1}`, `{"join":["a"]}x`, `[`, ``, `{"join":[1.5]}`,
		`{"join":["a",]}`, `{"join":["\ud800"]} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseChange(body)
		var want map[string][]string
		if lax := json.Unmarshal(body, &want); err == nil && lax != nil {
			t.Fatalf("%q: accepted, though %v", body, lax)
		} else if err != nil {
			if got.join != nil && got.leave != nil && lax == nil && len(want) == 2 &&
				!strings.Contains(err.Error(), "twice") {
				t.Fatalf("%q: refused: %v", body, err)
			}
			return
		}
		if fmt.Sprint(got.join) != fmt.Sprint(want["join"]) ||
			fmt.Sprint(got.leave) != fmt.Sprint(want["leave"]) || len(want) > 2 {
			t.Fatalf("%q: got %+v, want %v", body, got, want)
		}
	})
}
