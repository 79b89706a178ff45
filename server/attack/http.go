//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// apiKey is the key of the backend, otherKey one that an attacker has.
const (
	apiKey   = "the-key-of-the-attacked-backend-0123456789"
	otherKey = "the-key-that-an-attacker-found-0123456789"
)

// reply is an answer of the server.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request of the backend and returns the answer. It counts as one of the attack.
func (t *target) call(
	ctx context.Context, method, path, body string, header ...string,
) (reply, error) {
	t.requests.Add(1)
	request, err := http.NewRequestWithContext(ctx, method, t.url(path), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("X-API-Key", apiKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return t.do(request)
}

func (t *target) url(path string) string {
	if t.secure {
		return "https://" + t.addr + path
	}
	return "http://" + t.addr + path
}

func (t *target) do(request *http.Request) (reply, error) {
	response, err := t.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	return reply{response.StatusCode, response.Header, body}, err
}

// count notes the status of an answer in t.did.
func (t *target) count(r reply, err error) {
	if err != nil {
		t.did.add(outcome(err))
		return
	}
	t.did.add(fmt.Sprint(r.status))
}

// publish publishes data of this JSON to a channel.
func (t *target) publish(ctx context.Context, channel, data string) (reply, error) {
	target, err := json.Marshal(map[string]string{"channel": channel})
	if err != nil {
		return reply{}, err
	}
	body := fmt.Sprintf(`{"target":%s,"type":"load","data":%s}`, target, data)
	return t.call(ctx, http.MethodPost, "/v1/notifications", body)
}

// repeat calls a request again and again until ctx ends, from so many workers at once, and notes
// the statuses.
func (t *target) repeat(ctx context.Context, workers int, call func(i int) (reply, error)) {
	each(workers, workers, func(worker int) {
		for i := worker; ctx.Err() == nil; i += workers {
			r, err := call(i)
			if ctx.Err() == nil {
				t.count(r, err)
			}
			if err != nil {
				wait(ctx, 10*time.Millisecond)
			}
		}
	})
}

// get is the head of a GET request.
func (t *target) get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: " + t.addr + "\r\n\r\n"
}

// stream opens an EventSource stream and reads the head of its answer.
func (t *target) stream(
	ctx context.Context, source int, path string,
) (net.Conn, *bufio.Reader, error) {
	conn, err := t.dial(ctx, source)
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(conn, 512)
	status, err := head(conn, r, t.get(path))
	if err == nil && status != http.StatusOK {
		err = refused{status}
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, r, nil
}

// head sends a request and returns the status of the answer after its head.
func head(conn net.Conn, r *bufio.Reader, request string) (status int, err error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	for first := true; ; first = false {
		line, err := r.ReadString('\n')
		switch {
		case err != nil:
			return 0, err
		case first:
			if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
				return 0, fmt.Errorf("%q: %w", line, err)
			}
		case line == "\r\n":
			return status, nil
		}
	}
}
