package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
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
			found := strings.Contains(line, `"msg":`+string(mustJSON(message)))
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
func debugStack(t *testing.T, change func(*Options)) (*serviceStack, *logText) {
	t.Helper()
	log := &logText{}
	s := newServiceStack(t, func(o *Options) {
		authenticator, err := auth.New(auth.Options{Mode: auth.ModeToken, Secret: auth.Secret(testSecret)})
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
	s, log := debugStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Minute, 1 })
	token := tokenFor(t, time.Now().Add(time.Hour))
	poll := s.poll()
	poll.post(`40{"token":"` + token + `"}`)
	var reply struct{ Sid, Pid string }
	packet, _, _ := strings.Cut(poll.get(), "\x1e")
	if err := json.Unmarshal([]byte(packet[2:]), &reply); err != nil {
		t.Fatal(err)
	}
	client := `"client":"` + reply.Sid + `"`
	log.line(t, "connected", client, `"namespace":"/"`, `"transport":"polling"`, `"user":"u1"`)

	poll.upgrade()
	log.line(t, "upgraded", `"from":"polling"`, `"transport":"websocket"`, `"clients":["`+reply.Sid+`"]`)
	s.hub.Member("/", reply.Sid).Disconnect("logged out")
	log.line(t, "disconnect ordered", client, `"reason":"logged out"`)
	log.line(t, "connection closed", `"transport":"websocket"`, `"reason":"forced close"`, `"cause":"logged out"`)
	log.line(t, "disconnected", client, `"transport":"websocket"`, `"after":`)

	c := s.dial("")
	sid, pid, offset, _ := c.joinWithPid(`{"token":"` + token + `"}`)
	c.conn.Close()
	s.gone(sid)
	log.line(t, "connection closed", `"reason":"transport close"`, `"clients":["`+sid+`"]`)
	s.publish(`{"target":{"user":"u1"},"type":"missed"}`)
	c = s.dial("")
	c.joinWithPid(`{"token":"` + token + `","pid":"` + pid + `","offset":"` + offset + `"}`)
	log.line(t, "connected", `"client":"`+sid+`"`, `"resumes_from":"`+offset+`"`)
	c.event("missed", nil)
	log.line(t, "replayed", `"client":"`+sid+`"`, `"notifications":1`, `"recovered":true`, `"from":"`+offset+`"`)

	c = s.dial("")
	c.joinWithPid(`{"token":"` + token + `","since":"nonsense"}`)
	log.line(t, "connected", `"resumes_from":""`)
	log.line(t, "gap", `"namespace":"/"`, `"reason":"invalid"`, `"from":""`)
	c.send(`42["ping"]`)
	c.send(`42["ping"]`)
	log.line(t, "events refused", `"retry":60`)

	c = s.dial("")
	c.send(`40{"token":"` + token + `x"}`)
	log.line(t, "connection refused", `"code":"invalid_token"`, `"namespace":"/"`)
	log.hides(t, token, token+"x", pid, reply.Pid)
}

// The same of a stream, whose reconnection times are the server's hints.
func TestDebugLogOfAStream(t *testing.T) {
	s, log := debugStack(t, nil)
	token := tokenFor(t, time.Now().Add(time.Hour))
	open := func(since string) string {
		query := url.Values{"token": {token}}
		headers := http.Header{}
		if since != "" {
			headers.Set("Last-Event-ID", since)
		}
		_, lines := s.stream(query, headers)
		for lines.Scan() {
			var hello connectedMessage
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
	id := s.publish(`{"target":{"user":"u1"},"type":"n"}`).ID
	missed := s.publish(`{"target":{"user":"u1"},"type":"n"}`).ID

	client = open(id)
	log.line(t, "connected", client, `"resumes_from":"`+id+`"`)
	log.line(t, "replayed", client, `"notifications":1`, `"recovered":true`, `"from":"`+id+`"`, `"to":"`+missed+`"`)

	client = open("nonsense")
	log.line(t, "gap", client, `"reason":"invalid"`)
	_, clientID, _ := strings.Cut(client, `:"`)
	s.hub.Member("/", strings.TrimSuffix(clientID, `"`)).Disconnect("logged out")
	log.line(t, "stream ended", client, `"reason":"logged out"`, `"after":`, `"retry":86400`)
	log.line(t, "disconnected", client)
	do(t, "GET", "http://"+s.base+"/sse?token="+token+"x", "")
	log.hides(t, token, token+"x")
}
