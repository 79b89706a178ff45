package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// logText is a log that a test can wait on.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) Sync() error { return nil }

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// line waits for a line with this message and all of these parts.
func (l *logText) line(t *testing.T, message string, parts ...string) {
	t.Helper()
	find := func() bool {
		for line := range strings.Lines(l.String()) {
			found := strings.Contains(line, `"msg":`+string(servertest.JSON(message)))
			for _, part := range parts {
				found = found && strings.Contains(line, part)
			}
			if found {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(10 * time.Second); !find(); {
		if time.Now().After(end) {
			t.Fatalf("no line %q with %q in\n%s", message, parts, l)
		}
		time.Sleep(time.Millisecond)
	}
}

// debugStack is a stack in token mode that logs everything.
func debugStack(t *testing.T, change func(*socketio.Options)) (*serviceStack, *logText) {
	t.Helper()
	log := &logText{}
	s := newServiceStack(t, func(o *socketio.Options) {
		authenticator, err := auth.New(auth.Options{Mode: auth.ModeToken, Secret: auth.Secret(servertest.Secret)})
		if err != nil {
			t.Fatal(err)
		}
		o.Auth = authenticator
		o.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), log, zap.DebugLevel))
		if change != nil {
			change(o)
		}
	})
	return s, log
}

// hides fails when one of the secrets, or the end of one, stands in the log.
func (l *logText) hides(t *testing.T, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if text := l.String(); strings.Contains(text, secret[max(0, len(secret)-16):]) {
			t.Errorf("the log shows %s:\n%s", secret, text)
		}
	}
}

// A connection's life in the log, Socket.IO: its begin, its upgrade, what it resumes from, what it missed, what it was
// told to wait, and its end.
func TestDebugLogOfASocket(t *testing.T) {
	s, log := debugStack(t, func(o *socketio.Options) { o.RateInterval, o.RateBurst = time.Minute, 1 })
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
	log.line(t, "upgraded", `"from":"polling"`, `"transport":"websocket"`, `"clients":["`+reply.Sid+`"]`)
	s.Hub.Member("/", reply.Sid).Disconnect("logged out")
	log.line(t, "disconnect ordered", client, `"reason":"logged out"`)
	log.line(t, "connection closed", `"transport":"websocket"`, `"reason":"forced close"`, `"cause":"logged out"`)
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
	log.line(t, "replayed", `"client":"`+sid+`"`, `"notifications":1`, `"recovered":true`, `"from":"`+offset+`"`)

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

// The same of a stream, whose reconnection times are the server's hints.
func TestDebugLogOfAStream(t *testing.T) {
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
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &hello) == nil {
				return `"client":"` + hello.ClientID + `"`
			}
		}
		t.Fatal("no stream")
		return ""
	}
	client := open("")
	log.line(t, "connected", client, `"transport":"sse"`, `"user":"u1"`)
	log.line(t, "stream opened", client, `"retry":`)
	id := s.Publish(`{"target":{"user":"u1"},"type":"n"}`).ID
	missed := s.Publish(`{"target":{"user":"u1"},"type":"n"}`).ID

	if strings.Contains(log.String(), `"path":"/sse"`) {
		t.Error("the request is logged before its stream has ended")
	}

	client = open(id)
	log.line(t, "connected", client, `"resumes_from":"`+id+`"`)
	log.line(t, "replayed", client, `"notifications":1`, `"recovered":true`, `"from":"`+id+`"`, `"to":"`+missed+`"`)

	client = open("nonsense")
	log.line(t, "gap", client, `"reason":"invalid"`)
	_, clientID, _ := strings.Cut(client, `:"`)
	s.Hub.Member("/", strings.TrimSuffix(clientID, `"`)).Disconnect("logged out")
	log.line(t, "stream ended", client, `"reason":"logged out"`, `"after":`, `"retry":86400`)
	log.line(t, "disconnected", client)
	log.line(t, "request", `"method":"GET"`, `"path":"/sse"`, `"status":200`, `"bytes":`, `"duration":`, `"request_id":`)
	servertest.Do(t, "GET", "http://"+s.Base+"/sse?token="+token+"x", "")
	log.hides(t, token, token+"x")
}
