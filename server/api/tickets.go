package api

import (
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

type ticketReply struct {
	Ticket    string `json:"ticket"`
	ExpiresAt string `json:"expiresAt"`
}

// issueTicket serves POST /v1/tickets.
func (h *handler) issueTicket(c *call) (any, error) {
	t, err := decodeTicket(c.json)
	if err != nil {
		return nil, err
	}
	c.target = "user:" + t.userID
	if err := c.key.permit("userId", c.target); err != nil {
		return nil, err
	}
	for i, channel := range t.channels {
		// The scope must allow every name that a pattern matches.
		if err := c.key.permit("channels["+itoa(i)+"]", "channel:"+channel); err != nil {
			return nil, err
		}
	}
	if t.ttl > auth.MaxTicketTTL {
		return nil, invalidField("ttl",
			"got "+t.ttl.String()+", expected at most "+auth.MaxTicketTTL.String())
	}
	ticket, expires, err := h.o.Tickets.Issue(t.userID, t.username, t.channels, t.ttl)
	if err != nil {
		return nil, err
	}
	return ticketReply{ticket, notify.Timestamp(expires)}, nil
}

type ticketRequest struct {
	userID, username string
	channels         []string
	ttl              time.Duration
}

func decodeTicket(body strictjson.Checked) (t ticketRequest, err error) {
	const keys = "userId, username, channels, ttl"
	if body.Kind() != strictjson.Object {
		return t, invalidField("", "body: got "+body.Describe()+", expected an object with "+keys)
	}
	for m := range body.Members() {
		switch m.Name {
		case "userId":
			if t.userID, err = decodeName(m.Value, m.Name); err == nil {
				err = rooms.CheckUserID(m.Name, t.userID)
			}
		case "username":
			t.username, err = decodeDisplayName(m.Value, m.Name)
		case "channels":
			t.channels, err = decodeStrings(m.Value, m.Name)
		case "ttl":
			t.ttl, err = decodeDuration(m.Value, m.Name)
		default:
			field := strictjson.Shorten(m.Name)
			err = invalidField(field, "unknown field, expected one of "+keys)
		}
		if err != nil {
			return t, err
		}
	}
	if t.userID == "" {
		return t, invalidField("userId",
			"missing, expected the id of the user that the ticket is for")
	}
	return t, nil
}
