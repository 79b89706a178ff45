package verify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// session is an Engine.IO session over HTTP long-polling. Each request has a connection of its own.
type session struct {
	r     *run
	query url.Values // with the id
	open  string     // the packet OPEN
	ping  time.Duration
}

// newSession sends the handshake.
func (r *run) newSession(ctx context.Context) (*session, error) {
	s := &session{r: r, query: engineQuery(polling), ping: time.Minute}
	text, err := s.send(ctx, http.MethodGet, "")
	if err == nil {
		err = s.opened(text)
	}
	return s, err
}

// opened reads the answer to a handshake.
func (s *session) opened(payload string) error {
	s.open, _, _ = strings.Cut(payload, "\x1e")
	var open struct {
		Sid          string
		PingInterval int64
	}
	if !strings.HasPrefix(s.open, "0") || json.Unmarshal([]byte(s.open[1:]), &open) != nil ||
		open.Sid == "" {
		return errors.New("the answer to the handshake is not that of Engine.IO 4")
	}
	s.query.Set("sid", open.Sid)
	s.ping = time.Duration(open.PingInterval) * time.Millisecond
	return nil
}

// forget ends the session that an answer has opened, if it has.
func (r *run) forget(ctx context.Context, a answer) {
	s := &session{r: r, query: engineQuery(polling)}
	if s.opened(string(a.body)) == nil {
		s.close(ctx)
	}
}

// send sends one request and returns the payload.
func (s *session) send(ctx context.Context, method, body string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(s.ping, time.Hour)+3*s.r.patience())
	defer cancel()
	req := s.r.request(ctx, method, s.r.url(s.r.o.SocketIOPath+"/", s.query), body)
	if body != "" {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	a, err := s.r.exchange(s.r.fresh, req)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", &refusedError{a}
	}
	return string(a.body), nil
}

// close ends the session at the server.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.r.patience())
	defer cancel()
	_, _ = s.send(ctx, http.MethodPost, "1")
}

// poll speaks Socket.IO over HTTP long-polling until the session ends.
func (l *listener) poll(ctx context.Context, hello url.Values) error {
	s, err := l.r.newSession(ctx)
	if err != nil {
		return err
	}
	l.change(func() { l.sessions = append(l.sessions, s) })
	write := func(packet string) error {
		_, err := s.send(ctx, http.MethodPost, packet)
		return err
	}
	if err := l.packet(write, hello, s.open); err != nil {
		return err
	}
	for {
		text, err := s.send(ctx, http.MethodGet, "")
		if err != nil {
			return err
		}
		l.touch()
		for packet := range strings.SplitSeq(text, "\x1e") {
			if err := l.packet(write, hello, packet); err != nil {
				return err
			}
		}
	}
}
