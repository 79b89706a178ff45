package verify

import (
	"context"
	"encoding/json"
	"net/url"
)

// numberOf returns the number of a notification of this run: of the API in data, of a client in
// message.
func (r *run) numberOf(data []byte) (n int, ok bool) {
	type mark struct {
		Run string
		N   int
	}
	var ev struct {
		Data, Message json.RawMessage
	}
	if json.Unmarshal(data, &ev) != nil {
		return 0, false
	}
	for _, text := range []json.RawMessage{ev.Data, ev.Message} {
		var m mark
		if json.Unmarshal(text, &m) == nil && m.Run == r.name {
			return m.N, m.N > 0
		}
	}
	return 0, false
}

// credentials returns what a client sends about itself.
func (r *run) credentials(ctx context.Context, token string) (url.Values, error) {
	hello := url.Values{"as": {"type"}}
	switch {
	case token != "":
		hello.Set("token", token)
	case r.tickets:
		ticket, err := r.ticket(ctx)
		if err != nil {
			return nil, err
		}
		hello.Set("ticket", ticket)
	case r.o.Token != "":
		hello.Set("token", r.o.Token)
	default:
		hello.Set("userId", r.user)
	}
	return hello, nil
}
