package socketio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// floodEnv makes the test binary a client that sends as fast as it can; its value is
// "<address> <kind>".
const floodEnv = "SOCKETIO_TEST_FLOOD"

const floodTime = 12 * time.Second

// frame is a masked frame with a mask of zeros.
func frame(first byte, payload string) string {
	if n := len(payload); n < 126 {
		return string([]byte{first, 0x80 | byte(n), 0, 0, 0, 0}) + payload
	} else if n < 1<<16 {
		return string([]byte{first, 0xFE, byte(n >> 8), byte(n), 0, 0, 0, 0}) + payload
	}
	return frameHead(first, len(payload)) + payload
}

// floods has what one connection repeats, by name. With a body it is the POST of a polling session,
// with a request it is that request.
var floods = map[string]struct {
	frames, body, request string
	most                  time.Duration // until the connection ends; 0: it may stay open
}{
	"empty fragments": {frames: frame(0x01, `42["ping"]`) + strings.Repeat(frame(0, ""), 4000) + frame(0x80, ""),
		most: floodTime},
	"ping frames":         {frames: frame(0x89, ""), most: time.Second},
	"stray pongs":         {frames: frame(0x81, "3"), most: time.Second},
	"noops":               {frames: frame(0x81, "6"), most: time.Second},
	"events":              {frames: frame(0x81, `42["ping"]`), most: floodTime},
	"unknown events":      {frames: frame(0x81, `42["x",{"a":[1,2,3]}]`), most: floodTime},
	"acknowledgements":    {frames: frame(0x81, `431[]`), most: floodTime},
	"joins":               {frames: frame(0x81, `42["join-room","r"]`), most: floodTime},
	"namespaces":          {frames: frame(0x81, `40/x,{"userId":"u1"}`), most: floodTime},
	"connects and leaves": {frames: frame(0x81, `41`) + frame(0x81, `40{"userId":"u1"}`), most: floodTime},
	"attachments": {frames: frame(0x81, `4510-["x",{"_placeholder":true,"num":0}]`) +
		strings.Repeat(frame(0x82, "x"), 10), most: floodTime},
	"events of 1 MB":            {frames: frame(0x81, `42["x","`+strings.Repeat("x", 999_000)+`"]`)}, // slowed down, and fewer than the rate of events
	"events of 4,000 values":    {frames: frame(0x81, `42["x",[`+strings.Repeat("1,", 4000)+`1]]`), most: floodTime},
	"POST, noop":                {body: "6", most: 2 * time.Second},
	"POST, pong":                {body: "3", most: 2 * time.Second},
	"POST, event":               {body: `42["ping"]`},
	"POST, acknowledgement":     {body: `431[]`},
	"POST, 1,000 events":        {body: strings.Repeat(`42["x"]`+"\x1e", 999) + `42["x"]`},
	"GET, unknown sid":          {request: "GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n\r\n"},
	"GET, other version":        {request: "GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"},
	"PUT, sid of the session":   {request: "PUT /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n"},
	"upgrade with a wrong key":  {request: "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"},
	"websocket without upgrade": {request: "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\r\n"},
}

// flood is the client process. It prints when the server has ended the connection.
func flood() error {
	var address, kind string
	if _, err := fmt.Sscanf(os.Getenv(floodEnv), "%s %q", &address, &kind); err != nil {
		return err
	}
	f := floods[kind]
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	var start time.Time
	if f.frames != "" {
		if _, err := fmt.Fprintf(conn, upgradeRequest, ""); err != nil {
			return err
		}
		if err := readUntil(in, "\r\n\r\n"); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, frame(0x81, `40{"userId":"u1"}`)); err != nil {
			return err
		}
		if err := readUntil(in, `["connected"`); err != nil {
			return err
		}
		go func() { _, _ = io.Copy(io.Discard, in) }()
		start = time.Now()
		_ = conn.SetDeadline(start.Add(floodTime))
		all := bytes.Repeat([]byte(f.frames), 1+(256<<10)/len(f.frames))
		for err == nil {
			_, err = conn.Write(all)
		}
		return report(start, err)
	}
	exchange := func(request string) (string, error) {
		if _, err := io.WriteString(conn, request); err != nil {
			return "", err
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(res.Body)
		return string(text), err
	}
	const post = "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
	open, err := exchange("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
	if err != nil {
		return err
	}
	sid := strings.Split(open, `"`)[3]
	const connect = `40{"userId":"u1"}`
	if _, err := exchange(fmt.Sprintf(post, sid, len(connect), connect)); err != nil {
		return err
	}
	request := f.request
	if f.body != "" {
		request = fmt.Sprintf(post, sid, len(f.body), f.body)
	} else if strings.Contains(request, "%s") {
		request = fmt.Sprintf(request, sid)
	}
	start = time.Now()
	_ = conn.SetDeadline(start.Add(floodTime))
	for err == nil {
		var answer string
		if answer, err = exchange(request); f.body != "" && answer != "ok" && err == nil {
			err = io.EOF // the session has ended
		}
	}
	return report(start, err)
}

func report(start time.Time, err error) error {
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		fmt.Println("open")
	} else {
		fmt.Println(time.Since(start))
	}
	return nil
}
