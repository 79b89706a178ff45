//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// pair is a client whose other end the test holds.
func pair(t *rapid.T, p Protocol) (f *Fleet, c *client, other int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) })
	return &Fleet{}, &client{fd: fds[0], number: 7, owner: p}, fds[1]
}

// feedInPieces feeds data as the kernel might hand it out: in pieces of any size, after the bytes
// that were kept.
func feedInPieces(t *rapid.T, f *Fleet, c *client, data []byte) error {
	for len(data) > 0 {
		n := min(len(data), rapid.SampledFrom([]int{1, 2, 7, 100, 9000}).Draw(t, "n"))
		piece := slices.Concat(c.rest, data[:n])
		c.rest = nil
		if err := c.owner.feed(f, c, piece); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// serverFrame is a frame as servers send it, with the shortest form of the length (RFC 6455,
// section 5.2).
func serverFrame(first byte, payload string) []byte {
	size := len(payload)
	switch {
	case size < 126:
		return append([]byte{first, byte(size)}, payload...)
	case size < 1<<16:
		return append([]byte{first, 126, byte(size >> 8), byte(size)}, payload...)
	}
	head := binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(size))
	return append(head, payload...)
}

// upgraded is the head of the response to an upgrade.
const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

var socketIO = &WebSocket{
	Path:    "/socket.io/?EIO=4&transport=websocket",
	Answers: []Answer{{"0{", `40{"userId":"u%d"}`}, {"2", "3"}},
	Joined:  "40{", Mark: '~',
}

func TestWebSocketInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		greets := *socketIO
		greets.Hello = "hello"
		f, c, other := pair(t, &greets)
		received := slices.Concat([]byte(upgraded), serverFrame(finText, `0{"sid":"x"}`),
			serverFrame(finText, `40{"sid":"y"}`), serverFrame(finText, `42["connected",{}]`))
		want := int64(0)
		answers := frame(finText, []byte("hello"))
		answers = append(answers, frame(finText, []byte(`40{"userId":"u7"}`))...)
		for range rapid.IntRange(0, 8).Draw(t, "messages") {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				size := rapid.SampledFrom([]int{0, 118, 119, 200, 65_528, 65_529}).Draw(t, "size")
				marks := rapid.IntRange(1, 3).Draw(t, "marks")
				text := strings.Repeat(`42["~",`, marks) + strings.Repeat("x", size)
				received = append(received, serverFrame(finText, text)...)
				want += int64(marks)
			case 1:
				received = append(received, serverFrame(finText, "2")...)
				answers = append(answers, frame(finText, []byte("3"))...)
			case 2:
				received = append(received, serverFrame(finPing, "hi")...)
				answers = append(answers, frame(finPong, []byte("hi"))...)
			case 3:
				received = append(received, serverFrame(finText, `42["heartbeat","bench"]`)...)
			}
		}
		if err := feedInPieces(t, f, c, received); err != nil {
			t.Fatal(err)
		}
		if f.delivered != want || f.joined != 1 || c.state != joined || len(c.rest) > 0 {
			t.Errorf("%d deliveries, want %d; %d joined, kept %q",
				f.delivered, want, f.joined, c.rest)
		}
		got := make([]byte, 4096)
		n, err := unix.Read(other, got)
		if err != nil || !bytes.Equal(got[:n], answers) {
			t.Errorf("the client sent %q, %v, want %q", got[:n], err, answers)
		}
	})
}

func TestEventSourceInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, c, _ := pair(t, &EventSource{Path: "/sse", Mark: '~'})
		received := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n"
		want := rapid.IntRange(0, 20).Draw(t, "events")
		for range want {
			received += "1a\r\nevent: bench\ndata: \"a~b\"\n\n\r\n" + "d\r\n: heartbeat\n\n\r\n"
		}
		if err := feedInPieces(t, f, c, []byte(received)); err != nil {
			t.Fatal(err)
		}
		if f.delivered != int64(want) || f.joined != 1 {
			t.Errorf("%d deliveries, want %d; %d joined", f.delivered, want, f.joined)
		}
	})
}

func TestResponseOfAPublishInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := &publisher{busy: true}
		f, c, _ := pair(t, p)
		response := rapid.SampledFrom([]string{
			"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"id\":\"a\"}\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			"HTTP/1.1 204 No Content\r\n\r\n",
		}).Draw(t, "response")
		last := len(response) - 1
		if err := feedInPieces(t, f, c, []byte(response[:last])); err != nil {
			t.Fatal(err)
		}
		if !p.busy {
			t.Errorf("%q is enough", response[:last])
		}
		err := p.feed(f, c, slices.Concat(c.rest, []byte(response[last:])))
		if err != nil || p.busy {
			t.Errorf("busy %v, %v", p.busy, err)
		}
	})
}

func TestUnexpectedBytesAreAnError(t *testing.T) {
	t.Parallel()
	stream := &EventSource{Path: "/sse", Mark: '~'}
	for _, c := range []struct {
		protocol Protocol
		received string
		want     string
	}{
		{socketIO, "HTTP/1.1 403 No\r\n\r\n", `got "HTTP/1.1 403 No\r\n\r\n", want HTTP/1.1 101`},
		{socketIO, upgraded + string(serverFrame(finText, "44{}")), `unexpected message "44{}"`},
		{socketIO, upgraded + string(serverFrame(finClose, "bye")), `closed by the server: "bye"`},
		{socketIO, upgraded + string(serverFrame(0x82, "b")), "unexpected frame 0x82 of 1 bytes"},
		{socketIO, upgraded + string(serverFrame(0x01, "part")), "unexpected frame 0x1 of 4 bytes"},
		{stream, "HTTP/1.1 503 No\r\n\r\nx", `got "HTTP/1.1 503 No\r\n\r\nx", want HTTP/1.1 200`},
		{
			&publisher{}, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\nno",
			`publish: 429 Too Many Requests: "no"`,
		},
	} {
		err := c.protocol.feed(&Fleet{}, &client{fd: -1, owner: c.protocol}, []byte(c.received))
		if fmt.Sprint(err) != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.received, err, c.want)
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	const common = "Host: 127.0.0.1:80\r\nUser-Agent: roomcast-bench\r\n"
	for want, p := range map[string]Protocol{
		"GET /sse?userId=u3 HTTP/1.1\r\n" + common +
			"Accept: text/event-stream\r\nCache-Control: no-cache\r\n\r\n": &EventSource{
			Path: "/sse?userId=u%d",
		},
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + common +
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: cm9vbWNhc3QtYmVuY2gtMQ==\r\n\r\n": socketIO,
	} {
		if got := string(p.request("127.0.0.1:80", 3)); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

func FuzzNextFrame(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(serverFrame(finText, "2"))
	f.Add(serverFrame(finText, strings.Repeat("x", 200)))
	f.Add(serverFrame(finText, strings.Repeat("x", 1<<16)))
	f.Add([]byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'x'})
	f.Fuzz(func(t *testing.T, data []byte) {
		first, payload, rest, ok := nextFrame(data)
		if !ok {
			if !bytes.Equal(rest, data) {
				t.Error("an incomplete frame was changed")
			}
			return
		}
		if first != data[0] || !bytes.HasSuffix(data, slices.Concat(payload, rest)) {
			t.Errorf("%#x, %d and %d bytes of %d", first, len(payload), len(rest), len(data))
		}
		if head := len(data) - len(payload) - len(rest); head != 2 && head != 4 && head != 10 {
			t.Errorf("a head of %d bytes", head)
		}
	})
}
