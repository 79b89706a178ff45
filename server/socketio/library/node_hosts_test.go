package library

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/server/servertest"
)

// nodeHost has the handlers of testdata/node/server.mjs, written for one of the APIs.
type nodeHost struct {
	crowd    int // divides the number of clients that do the same, 1 in make soak
	register func(*nodeRun)
	kick     func(*nodeRun)      // disconnects every client
	shown    func(s sight) sight // removes from a recording what this API does not have
}

var hosts = map[string]nodeHost{
	"own": {1, registerOwn, func(r *nodeRun) {
		for _, c := range r.sio.To().Conns() {
			c.CloseTransport()
		}
	}, ownSight},
	"api": {1, registerOwn, func(r *nodeRun) {
		for _, c := range r.sio.To().Conns() {
			url := "http://" + r.Base + "/v1/connections/" + c.ID()
			res, text := servertest.Do(r.t, "DELETE", url, "",
				"Authorization: Bearer "+servertest.Key)
			if res.StatusCode != http.StatusOK {
				r.t.Errorf("DELETE: %d %s", res.StatusCode, text)
			}
		}
	}, ownSight},
	"library": {5, registerLibrary, func(r *nodeRun) { r.io.DisconnectSockets(true) }, librarySight},
}

// badPacket matches the event with which a Node server reports a packet that it cannot decode.
// Roomcast logs such packets.
var badPacket = regexp.MustCompile(`^error (unknown packet type|invalid payload)`)

func librarySight(s sight) sight {
	seen := make([][]string, len(s.Seen))
	for i, list := range s.Seen {
		seen[i] = slices.DeleteFunc(slices.Clone(list), badPacket.MatchString)
	}
	s.Seen = seen
	return s
}

// ownSight keeps one event for each client that ends, because OnDisconnect still shows the rooms.
// It also removes "behind", which a handler records after it has closed its client: a Node server
// runs the disconnect handlers before that, Roomcast runs OnDisconnect after the handler.
func ownSight(s sight) sight {
	seen := make([][]string, len(s.Seen))
	for i, list := range s.Seen {
		seen[i] = slices.DeleteFunc(slices.Clone(list), func(line string) bool {
			return strings.HasPrefix(line, "disconnect ") || line == "behind" ||
				badPacket.MatchString(line)
		})
	}
	s.Seen = seen
	return s
}

// shownRooms lists a client's rooms without the user's room, which a Node server does not have.
func shownRooms(names []string, id string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, "user:")
	})
	for i, name := range names {
		if name == id {
			names[i] = "own"
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// shownHandshake returns the part of the handshake that the scenarios compare.
func shownHandshake(
	r *nodeRun, address, url string, secure, xdomain bool, query, headers map[string][]string,
	auth any,
) map[string]any {
	port := func(text string) string {
		return strings.Replace(text, r.Base[strings.LastIndexByte(r.Base, ':'):], ":port", 1)
	}
	first := map[string]string{}
	for name, values := range query {
		first[name] = values[0]
	}
	return map[string]any{
		"address": address, "secure": secure, "xdomain": xdomain, "url": port(url), "query": first,
		"auth": auth,
		"headers": map[string]string{"x-shown": http.Header(headers).Get("X-Shown"),
			"host": port(http.Header(headers).Get("Host"))},
	}
}
