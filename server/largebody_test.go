package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/sse"
)

// A proxy such as Apache writes the whole request before it reads the response. It gets the error
// of a body that is too large, or that no handler reads, and no broken connection.
func TestLargeBodyThroughAProxyThatWritesFirst(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	key := "Authorization: Bearer " + servertest.Key + "\r\n"
	const jsonBody = "Content-Type: application/json\r\n"
	res, lines := s.Stream(nil, nil)
	defer res.Body.Close()
	var hello struct{ ClientID, Secret string }
	for hello.Secret == "" && lines.Scan() {
		data, _ := strings.CutPrefix(lines.Text(), "data: ")
		_ = json.Unmarshal([]byte(data), &hello) // other lines are no JSON
	}
	own := jsonBody + sse.HeaderSecret + ": " + hello.Secret + "\r\n"
	for _, c := range []struct {
		path, headers string
		status        int
	}{
		{"/v1/notifications", key + jsonBody, 413},
		{"/v1/notifications/payment", key + jsonBody, 413},
		{"/v1/tickets", key + jsonBody, 404}, // this server issues none
		{"/v1/notifications", jsonBody, 401},
		{"/v1/notifications", "X-API-Key: wrong\r\n" + jsonBody, 403},
		{"/v1/notifications", key + "Content-Type: text/plain\r\n", 415},
		{"/v1/notifications", key + jsonBody + "Origin: https://evil.example\r\n", 403},
		{"/v1/nothing", key + jsonBody, 404},
		{"/sse/" + hello.ClientID + "/channels", own, 413},
		{"/sse/" + hello.ClientID + "/messages", own, 413},
		{"/sse/" + hello.ClientID + "/token", jsonBody, 413},
		{"/sse/unknown/channels", jsonBody, 404},
		{"/sse/tickets", jsonBody, 404},
		{"/sse", jsonBody, 405},
		{"", "Content-Type: text/plain;charset=UTF-8\r\n", 413}, // a poll
		{"/socket.io/unknown", jsonBody, 404},
	} {
		path := c.path
		if path == "" { // the session ends with the error
			path = strings.TrimPrefix(s.Poll().URL, "http://"+s.Base)
		}
		status, err := writeFirst(s.Base, path, c.headers, false)
		if err != nil || status != c.status {
			t.Errorf("%s: %d %v, want %d", c.path, status, err, c.status)
		}
	}
	for _, headers := range []string{"", "Connection: close\r\n"} {
		status, err := writeFirst(s.Base, "/v1/notifications", key+jsonBody+headers, true)
		if err != nil || status != 413 {
			t.Errorf("chunked, %q: %d %v", headers, status, err)
		}
	}
}

// writeFirst posts 3 MB of JSON and reads the response after that.
func writeFirst(address, path, headers string, chunked bool) (status int, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(servertest.Patience))
	_ = c.(*net.TCPConn).SetWriteBuffer(128 << 10) // so that the kernel does not take all of it
	body := `{"data":"` + strings.Repeat("x", 3_000_000) + `"}`
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	if chunked {
		length = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			len(body), body)
	}
	request := "POST " + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + headers + length
	if _, err := io.WriteString(c, request); err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
