package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// book is the state of a backend: it writes a number down, then publishes it.
type book struct {
	mu      sync.Mutex
	written map[string]bool
}

func (b *book) write(n string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written[n] = true
}

func (b *book) read() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	read := make(map[string]bool, len(b.written))
	for n := range b.written {
		read[n] = true
	}
	return read
}

// positionOf asks for the position. It needs no key at the path of streams.
func (s *serviceStack) positionOf(path string) string {
	s.T.Helper()
	res, text := servertest.Do(s.T, "GET", "http://"+s.Base+path, "", "X-API-Key: "+servertest.Key)
	var reply struct{ Position string }
	if err := json.Unmarshal([]byte(text), &reply); err != nil || res.StatusCode != http.StatusOK {
		s.T.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
	return reply.Position
}

var numbered = regexp.MustCompile(`"type":"n","data":"([^"]+)"`)

// While backends publish, a client that asks for the position, reads the state and connects with
// the position gets every number that the state lacks, and each once, on either transport.
func TestStateAndStream(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	const publishers, each = 3, 60
	state := &book{written: map[string]bool{}}
	var publishing, clients sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for i := range each {
				n := fmt.Sprintf("%d-%d", p, i)
				state.write(n)
				s.Publish(`{"target":{"channel":"c"},"type":"n","data":"` + n + `"}`)
			}
		})
	}
	check := func(transport string, read map[string]bool, next func() (string, bool)) {
		streamed := map[string]int{}
		for {
			text, ok := next()
			if !ok {
				t.Errorf("%s: the connection ended", transport)
				return
			}
			if strings.Contains(text, `"type":"end"`) {
				break
			}
			if strings.Contains(text, `"type":"gap"`) {
				t.Errorf("%s: %s", transport, text)
			}
			if found := numbered.FindStringSubmatch(text); found != nil {
				streamed[found[1]]++
			}
		}
		for n := range state.read() {
			if !read[n] && streamed[n] != 1 || streamed[n] > 1 {
				t.Errorf("%s: %s is in the state: %v, and came %d times", transport, n, read[n],
					streamed[n])
			}
		}
	}
	for i := range 6 {
		clients.Go(func() {
			position := s.positionOf([]string{"/v1/position", "/sse/position", "/api/sse/position"}[i%3])
			read := state.read()
			if i%2 == 0 {
				c := s.Dial("")
				c.Join(`{"userId":"u","channels":["c"],"since":"` + position + `"}`)
				check("socket.io", read, func() (string, bool) { return c.Read(), true })
				return
			}
			_, lines := s.Stream(url.Values{"channels": {"c"}, "since": {position}}, nil)
			check("eventsource", read, func() (string, bool) {
				ok := lines.Scan()
				return lines.Text(), ok
			})
		})
	}
	publishing.Wait()
	s.Publish(`{"target":{"channel":"c"},"type":"end"}`)
	clients.Wait()
}

// Pages of allowed origins may read the position, others may not.
func TestPositionForPages(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	empty := s.positionOf("/v1/position")
	if !strings.HasSuffix(empty, "-0") {
		t.Errorf("an empty log is at %s", empty)
	}
	get := func(origin string) *http.Response {
		res, _ := servertest.Do(t, "GET", "http://"+s.Base+"/sse/position", "", "Origin: "+origin)
		return res
	}
	own := "http://" + s.Base
	if res := get(own); res.StatusCode != 200 ||
		res.Header.Get("Access-Control-Allow-Origin") != own {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res := get("https://evil.example"); res.StatusCode != 403 {
		t.Error(res.StatusCode)
	}
	id := s.Publish(`{"target":{"channel":"c"},"type":"n","data":"first"}`).ID
	c, _ := s.Connect(`{"userId":"u","channels":["c"],"since":"` + empty + `"}`)
	if got := c.Read(); !strings.Contains(got, id) {
		t.Error(got)
	}
	// The position of another process, such as before a restart, is a gap.
	_, lines := s.Stream(url.Values{"channels": {"c"}, "since": {"00000001-7"}}, nil)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: gap") {
			return
		}
	}
	t.Error("no gap")
}
