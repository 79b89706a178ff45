package socketio

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// upgradeRequest opens a websocket of the stack's server.
const upgradeRequest = "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: x\r\n" +
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// frameHead is the head of a masked frame with a mask of zeros.
func frameHead(first byte, size int) string {
	head := []byte{first, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint64(head[2:], uint64(size))
	return string(head)
}

// Before its first CONNECT is accepted, a client may send 16 KiB in all, on every transport: the
// server discards the rest, answers a CONNECT, and closes the connection.
func TestInputBeforeConnectIsBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	large := strings.Repeat("x", 900_000)
	small := strings.Repeat("x", 1000)
	connect := `40{"userId":"u1","x":"` + large + `"}`
	const refused = `44{"message":"Payload too large","data":{"code":"payload_too_large",` +
		`"detail":"auth: expected at most 16384 bytes"}}`
	var many []string // each is refused, and no CONNECT is pending
	for range 20 {
		many = append(many, `40/unknown,{"userId":"u1","x":"`+small+`"}`)
	}
	for name, c := range map[string]struct {
		packets []string
		answer  string
	}{
		"a large CONNECT":            {[]string{connect}, refused},
		"a large CONNECT, namespace": {[]string{"40/a," + connect[2:]}, strings.Replace(refused, "44", "44/a,", 1)},
		"a large event":              {[]string{`42["x","` + large + `"]`}, ""},
		"a large text":               {[]string{"4" + large}, ""},
		"many CONNECTs":              {many, `44/unknown,{"message":"Invalid namespace"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ways := map[string]*servertest.WebSocket{"websocket": s.Dial(""), "upgraded": s.Poll().Upgrade()}
			for way, ws := range ways {
				got, rest := "", c.packets
				if len(rest) > 1 { // a reset, while the client sends, would take the answer
					ws.Send(rest[0])
					got, rest = ws.Read(), rest[1:]
				}
				for _, packet := range rest {
					_ = ws.Conn.WriteMessage(1, []byte(packet)) // the server may close first
				}
				got += strings.Join(ws.Closed(), "\n")
				if c.answer == "" && got != "" || !strings.HasPrefix(got, c.answer) {
					t.Errorf("%s: got %.200s, want %s", way, got, c.answer)
				}
			}
			p := s.Poll()
			if len(c.packets) == 1 {
				p.Post(c.packets...)
			} else {
				for _, packet := range c.packets { // its session ends
					res, _ := servertest.Do(t, "POST", p.URL, packet)
					if res.StatusCode != http.StatusOK {
						break
					}
				}
			}
			got := ""
			for !strings.HasSuffix(got, "1") {
				res, text := servertest.Do(t, "GET", p.URL, "")
				if res.StatusCode != http.StatusOK {
					break
				}
				got += text
			}
			if !strings.HasPrefix(got, c.answer) || c.answer == "" && got != "1" && got != "" {
				t.Errorf("polling: got %.200q, want %s", got, c.answer)
			}
		})
	}
	s.Alive()
}

// A page may connect many namespaces with large tokens at once: the first that is accepted ends the
// bound. The others wait meanwhile.
func TestManyNamespacesWithLargeTokensConnect(t *testing.T) {
	t.Parallel()
	const namespaces = 20
	s := newStack(t, nil)
	release := make(chan struct{})
	for i := range namespaces {
		s.sio.Of(fmt.Sprintf("/n%d", i)).OnConnect(func(context.Context, *Conn) error {
			<-release
			return nil
		})
	}
	auth := `{"userId":"u1","x":"` + strings.Repeat("x", 4000) + `"}`
	c := s.Dial("")
	p := s.Poll()
	var posting sync.WaitGroup
	posting.Go(func() {
		for i := range namespaces {
			p.Post(fmt.Sprintf("40/n%d,%s", i, auth))
		}
	})
	for i := range namespaces {
		c.Send(fmt.Sprintf("40/n%d,%s", i, auth))
	}
	close(release)
	for i := range namespaces {
		expectPackets(t, c, fmt.Sprintf(`40/n%d,{"sid":`, i))
	}
	posting.Wait()
	for got := 0; got < namespaces; {
		got += strings.Count(p.Get(), `{"sid":`)
	}
	c.Send(`42/n1,["x","` + strings.Repeat("x", 100_000) + `"]`)
	c.Send(`42/n1,0["x"]`)
	expectPackets(t, c, `43/n1,0[`)
}

// Clients that send a megabyte each before CONNECT, and then nothing, hold at most 16 KiB each on
// every transport.
func TestMemoryBeforeConnect(t *testing.T) {
	clients := servertest.Soaked(50)
	const size, most = 999_000, 32 << 10 // with the session itself
	s := newStack(t, func(o *Options) { o.ConnectTimeout = servertest.Patience })
	text := strings.Repeat("x", size)
	for way, open := range map[string]func() net.Conn{
		"websocket": func() net.Conn { return openRaw(t, s.Base, []string{fmt.Sprintf(upgradeRequest, "")}) },
		"upgraded": func() net.Conn {
			sid := s.Poll().URL
			_, sid, _ = strings.Cut(sid, "sid=")
			return openRaw(t, s.Base, []string{
				fmt.Sprintf(upgradeRequest, "&sid="+sid), "\x81\x86\x00\x00\x00\x002probe",
				"\x81\x81\x00\x00\x00\x005\x89\x80\x00\x00\x00\x00", // and a ping, which is answered
			})
		},
	} {
		var conns []net.Conn
		before := memory()
		for range clients {
			conn := open()
			conns = append(conns, conn)
			if _, err := io.WriteString(conn, frameHead(0x81, size+1)+text); err != nil {
				t.Fatal(err)
			}
		}
		if each := (memory() - before) / int64(clients); each > most {
			t.Errorf("%s: a client holds %d bytes, want at most %d", way, each, most)
		} else {
			t.Logf("%s: a client holds %d bytes", way, each)
		}
		for _, conn := range conns {
			conn.Close()
		}
		servertest.Eventually(t, "all are gone", func() bool { return s.sio.engine.Len() == 0 })
	}
	var conns []net.Conn
	var urls []string
	for range clients {
		_, sid, _ := strings.Cut(s.Poll().URL, "sid=")
		urls = append(urls, sid)
	}
	before := memory()
	for _, sid := range urls {
		conn, err := net.Dial("tcp", s.Base)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		_, err = fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n"+
			"Content-Length: %d\r\n\r\n%s", sid, size+1, text)
		if err != nil {
			t.Fatal(err)
		}
	}
	if each := (memory() - before) / int64(clients); each > most {
		t.Errorf("polling: a client holds %d bytes, want at most %d", each, most)
	} else {
		t.Logf("polling: a client holds %d bytes", each)
	}
	for _, conn := range conns {
		conn.Close()
	}
	s.Alive()
}
