package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/strictjson"
)

func TestTickets(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	code, text := s.ask("POST", "/v1/tickets",
		`{"userId":"u1","username":"Ada","channels":["orders","team-*"],"ttl":"20s"}`)
	var reply ticketReply
	if err := json.Unmarshal([]byte(text), &reply); err != nil || code != 201 ||
		len(reply.Ticket) != 43 || !strings.HasSuffix(reply.ExpiresAt, "Z") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := s.ask("POST", "/v1/tickets",
		`{"userId":"u1","channels":null,"ttl":null}`); code != 201 {
		t.Errorf("%d %s", code, text)
	}
	s.refused("POST", "/v1/tickets", `{}`, "userId",
		"userId: missing, expected the id of the user that the ticket is for")
	if code, text := s.ask("POST", "/v1/tickets",
		`{"userId":7,"username":null,"channels":[1,"a"]}`); code != 201 {
		t.Errorf("numbers as names: %d %s", code, text)
	}
	s.refused("POST", "/v1/tickets", `{"userId":7.5}`, "userId",
		"userId: got the number 7.5, expected a string")
	s.refused("POST", "/v1/tickets", `{"user":"u1"}`, "user",
		"user: unknown field, expected one of userId, username, channels, ttl")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","ttl":"31s"}`, "ttl",
		"ttl: got 31s, expected at most 30s")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","channels":"x"}`, "channels",
		`channels: got the string "x", expected an array of strings`)
	s.refused("POST", "/v1/tickets", `[]`, "",
		"body: got an array, expected an object with userId, username, channels, ttl")
	s.refused("POST", "/v1/tickets", `{"userId":"u1","userId":"u2"}`, "userId",
		"userId: duplicate key \"userId\"")
	for _, body := range []string{
		`{"userId":"anonymous\u0000"}`, `{"userId":" u1"}`, `{"userId":""}`,
	} {
		if code, text := s.ask("POST", "/v1/tickets", body); code != 400 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
}

func FuzzDecodeTicket(f *testing.F) {
	for _, seed := range []string{
		`{"userId":"u1"}`, `{"userId":"u1","username":"x","channels":["a"],"ttl":"5s"}`, `[]`,
		`{"ttl":1}`, ` {}`, `{"userId":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checked, err := strictjson.Split(body, strictjson.Rules{})
		if err != nil {
			return
		}
		got, err := decodeTicket(checked)
		if err == nil && (got.userID == "" || got.ttl < 0) {
			t.Errorf("%q: %+v", body, got)
		}
	})
}
