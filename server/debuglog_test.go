package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// debugLog is a log that a test can wait on.
type debugLog struct{ *servertest.Log }

// line waits for a line with this message and all of these parts.
func (l debugLog) line(t *testing.T, message string, parts ...string) {
	t.Helper()
	servertest.Eventually(t, fmt.Sprintf("a line %q with %q", message, parts), func() bool {
		for line := range strings.Lines(l.Text()) {
			found := strings.Contains(line, `"msg":`+string(servertest.JSON(message)))
			for _, part := range parts {
				found = found && strings.Contains(line, part)
			}
			if found {
				return true
			}
		}
		return false
	})
}

// debugStack is a stack in token mode with a debug log.
func debugStack(t *testing.T, change func(*socketio.Options)) (*serviceStack, debugLog) {
	t.Helper()
	logger, log := servertest.NewLog()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.Text())
		}
	})
	s := newServiceStack(t, func(o *socketio.Options) {
		authenticator, err := auth.New(auth.Options{Mode: auth.ModeToken,
			Secret: auth.Secret(servertest.Secret)})
		if err != nil {
			t.Fatal(err)
		}
		o.Auth = authenticator
		o.Log = logger
		if change != nil {
			change(o)
		}
	})
	return s, debugLog{log}
}

// hides checks that the log has none of the secrets, and not the end of one.
func (l debugLog) hides(t *testing.T, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if text := l.Text(); strings.Contains(text, secret[max(0, len(secret)-16):]) {
			t.Errorf("the log shows %s:\n%s", secret, text)
		}
	}
}

// The debug log of Socket.IO connections has the start, the upgrade, the resume, the gap, the
// refused events and the end.
func TestDebugLogOfASocket(t *testing.T) {
	t.Parallel()
	s, log := debugStack(t, func(o *socketio.Options) {
		o.RateInterval, o.RateBurst = time.Minute, 1
	})
	token := servertest.TokenFor(t, time.Now().Add(time.Hour))
	poll := s.Poll()
	poll.Post(`40{"token":"` + token + `"}`)
	var reply struct{ Sid, Pid string }
	packet, _, _ := strings.Cut(poll.Get(), "\x1e")
	if err := json.Unmarshal([]byte(packet[2:]), &reply); err != nil {
		t.Fatal(err)
	}
	client := `"client":"` + reply.Sid + `"`
	log.line(t, "connected", client, `"namespace":"/"`, `"transport":"polling"`, `"user":"u1"`)

	poll.Upgrade()
	log.line(t, "upgraded", `"from":"polling"`, `"transport":"websocket"`,
		`"clients":["`+reply.Sid+`"]`)
	s.Hub.Member("/", reply.Sid).Disconnect("logged out")
	log.line(t, "disconnect ordered", client, `"reason":"logged out"`)
	log.line(t, "connection closed", `"transport":"websocket"`, `"reason":"forced close"`,
		`"cause":"logged out"`)
	log.line(t, "disconnected", client, `"transport":"websocket"`, `"after":`)

	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"token":"` + token + `"}`)
	c.Conn.Close()
	s.Gone(sid)
	log.line(t, "connection closed", `"reason":"transport close"`, `"clients":["`+sid+`"]`)
	s.Publish(`{"target":{"user":"u1"},"type":"missed"}`)
	c = s.Dial("")
	c.JoinWithPid(`{"token":"` + token + `","pid":"` + pid + `","offset":"` + offset + `"}`)
	log.line(t, "connected", `"client":"`+sid+`"`, `"resumes_from":"`+offset+`"`)
	c.Event("missed", nil)
	log.line(t, "replayed", `"client":"`+sid+`"`, `"notifications":1`, `"recovered":true`,
		`"from":"`+offset+`"`)

	c = s.Dial("")
	c.JoinWithPid(`{"token":"` + token + `","since":"nonsense"}`)
	log.line(t, "connected", `"resumes_from":""`)
	log.line(t, "gap", `"namespace":"/"`, `"reason":"invalid"`, `"from":""`)
	c.Send(`42["ping"]`)
	c.Send(`42["ping"]`)
	log.line(t, "events refused", `"retry":60`)

	c = s.Dial("")
	c.Send(`40{"token":"` + token + `x"}`)
	log.line(t, "connection refused", `"code":"invalid_token"`, `"namespace":"/"`)
	log.hides(t, token, token+"x", pid, reply.Pid)
}

// The debug log of a stream also has the reconnection times that the server sends.
func TestDebugLogOfAStream(t *testing.T) {
	t.Parallel()
	s, log := debugStack(t, nil)
	token := servertest.TokenFor(t, time.Now().Add(time.Hour))
	open := func(since string) string {
		query := url.Values{"token": {token}}
		headers := http.Header{}
		if since != "" {
			headers.Set("Last-Event-ID", since)
		}
		_, lines := s.Stream(query, headers)
		for lines.Scan() {
			var hello servertest.Connected
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if ok && json.Unmarshal([]byte(data), &hello) == nil {
				return `"client":"` + hello.ClientID + `"`
			}
		}
		t.Fatal("the stream has no connected event")
		return ""
	}
	client := open("")
	log.line(t, "connected", client, `"transport":"sse"`, `"user":"u1"`)
	log.line(t, "stream opened", client, `"retry":`)
	id := s.Publish(`{"target":{"user":"u1"},"type":"n"}`).ID
	missed := s.Publish(`{"target":{"user":"u1"},"type":"n"}`).ID

	if strings.Contains(log.Text(), `"path":"/sse"`) {
		t.Error("the request is logged before its stream has ended")
	}

	client = open(id)
	log.line(t, "connected", client, `"resumes_from":"`+id+`"`)
	log.line(t, "replayed", client, `"notifications":1`, `"recovered":true`, `"from":"`+id+`"`,
		`"to":"`+missed+`"`)

	client = open("nonsense")
	log.line(t, "gap", client, `"reason":"invalid"`)
	_, clientID, _ := strings.Cut(client, `:"`)
	s.Hub.Member("/", strings.TrimSuffix(clientID, `"`)).Disconnect("logged out")
	log.line(t, "stream ended", client, `"reason":"logged out"`, `"after":`, `"retry":86400`)
	log.line(t, "disconnected", client)
	log.line(t, "request", `"method":"GET"`, `"path":"/sse"`, `"status":200`, `"bytes":`,
		`"duration":`, `"request_id":`)
	servertest.Do(t, "GET", "http://"+s.Base+"/sse?token="+token+"x", "")
	log.hides(t, token, token+"x")
}

// The debug log names the claim for which a token is refused, on every way. No line and no response
// has its value.
func TestDebugLogNamesTheRefusedClaim(t *testing.T) {
	t.Parallel()
	s, log := debugStack(t, nil)
	sign := func(changes map[string]any) string {
		claims := map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range changes {
			claims[name] = value
		}
		return servertest.SignHS256(t, servertest.Secret, claims)
	}
	c := s.Dial("")
	hello := c.Join(`{"token":"` + sign(nil) + `"}`)
	c.Send(`42["auth:refresh",{"token":"` + sign(map[string]any{"nbf": 99999999999}) + `"}]`)
	log.line(t, "token refused", `"client":"`+hello.ClientID+`"`, `"code":"invalid_token"`,
		`"claim":"nbf"`)
	c = s.Dial("")
	c.Send(`40{"token":"` + sign(map[string]any{"channels": "a,b", "publish": 471147114711}) + `"}`)
	log.line(t, "connection refused", `"code":"invalid_token"`, `"claim":"publish"`)
	for path, want := range map[string][2]string{
		"GET /sse": {"sub", "invalid_token"}, "POST /sse/c1/messages": {"exp", "token_expired"},
		"POST /sse/c1/channels": {"iat", "invalid_token"},
	} {
		method, path, _ := strings.Cut(path, " ")
		value := map[string]any{
			"sub": " not-a-user ", "exp": 1234567891, "iat": 99999999998,
		}[want[0]]
		_, text := servertest.Do(t, method, "http://"+s.Base+path, "",
			"Authorization: Bearer "+sign(map[string]any{want[0]: value}))
		if !strings.Contains(text, want[1]) || strings.Contains(text, "laim") {
			t.Errorf("%s: %s", path, text)
		}
		log.line(t, "stream refused", `"code":"`+want[1]+`"`, `"claim":"`+want[0]+`"`)
	}
	log.hides(t, "not-a-user", "471147114711", "1234567891", "9999999999", "a,b")
}
