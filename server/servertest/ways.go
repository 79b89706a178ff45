package servertest

import (
	"net/http"
	"net/url"
	"strings"
)

// Ways returns a function for every way in which a client can send a token, by transport and place.
// Each function connects and reports whether the server accepted the client. A user that is not ""
// is sent with the token where the place allows it.
func (s *Stack) Ways(token, user string) map[string]func() bool {
	payload := func(fields map[string]string) string {
		if user != "" {
			fields["userId"] = user
		}
		return string(JSON(fields))
	}
	query := url.Values{}
	if user != "" {
		query.Set("userId", user)
	}
	withToken := url.Values{"token": {token}}
	for name := range query {
		withToken.Set(name, user)
	}
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	cookie := http.Header{"Cookie": {"auth_token=" + token}, "Origin": {"http://" + s.Base}}
	ways := map[string]func() bool{}
	for place, p := range map[string]struct {
		query   url.Values
		headers http.Header
		payload string // of CONNECT
	}{
		"auth object":           {nil, nil, payload(map[string]string{"token": token})},
		"auth object and query": {query, nil, string(JSON(map[string]string{"token": token}))},
		"query":                 {withToken, nil, ""},
		"header":                {nil, bearer, payload(map[string]string{})},
		"header and query":      {query, bearer, ""},
		"cookie":                {query, cookie, ""},
	} {
		more := "&" + p.query.Encode()
		ways["websocket, "+place] = func() bool {
			c := s.dial(more, p.headers)
			defer c.Conn.Close()
			c.Send("40" + p.payload)
			return strings.HasPrefix(c.Read(), `40{"sid":`)
		}
		ways["polling, "+place] = func() bool {
			c := s.poll(more, p.headers)
			c.Post("40" + p.payload)
			return strings.HasPrefix(c.Get(), `40{"sid":`)
		}
		if p.payload == "" || p.query == nil && p.headers != nil { // a stream has no auth object
			q := query
			if p.query != nil {
				q = p.query
			}
			ways["EventSource, "+place] = func() bool {
				res, _ := s.Stream(q, p.headers)
				_ = res.Body.Close()
				return res.StatusCode == http.StatusOK
			}
		}
	}
	return ways
}
