//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// shareAttacks take what others need too: rooms, sessions, history, tickets.
var shareAttacks = []Attack{
	{
		Name: "a client resumes 400 times, with 64 other channels each", Row: "issue 2, D13",
		Figure: Figure{Growth: 32 << 20, Promise: "at most 64 channels"}, Run: resumeWithOthers,
	},
	{
		Name: "22,400 short visits, then a client resumes", Row: "issue 2",
		Figure: Figure{Growth: 96 << 20, Promise: "it recovers"}, Run: shortVisits,
	},
	{
		Name: "one channel fills the history", Row: "issue 2",
		Settings: []string{"HISTORY_MAX_BYTES=16MiB"},
		Figure:   Figure{Growth: 64 << 20, Promise: "another keeps its 100"}, Run: oneLoudChannel,
	},
	{
		Name: "guests and pages take all tickets", Row: "issue 2",
		Figure: Figure{Growth: 64 << 20, Promise: "a backend gets one"}, Run: exhaustTickets,
	},
}

func resumeWithOthers(ctx context.Context, t *target) error {
	rounds := t.n(400)
	pid, offset := "", ""
	var s *socket
	for round := range rounds {
		if s != nil {
			_ = s.Close()
		}
		channels := make([]string, 64)
		for i := range channels {
			channels[i] = fmt.Sprintf("r%d-%d", round, i)
		}
		names, _ := json.Marshal(channels)
		var answer string
		var err error
		s, answer, err = t.connect(ctx, 0, fmt.Sprintf(
			`{"userId":"greedy","sessionId":"tab","channels":%s,"pid":%q,"offset":%q}`,
			names, pid, offset))
		if err != nil {
			return err
		}
		var connected struct{ Sid, Pid string }
		if err := json.Unmarshal([]byte(answer), &connected); err != nil {
			return err
		}
		pid = connected.Pid
		event, err := s.await(`42["connected"`)
		if err != nil {
			return err
		}
		offset = lastString(event)
		if round == rounds-1 {
			countChannels(ctx, t, connected.Sid)
		}
	}
	_ = s.Close()
	return nil
}

// countChannels checks the number of channels of a connection.
func countChannels(ctx context.Context, t *target, id string) {
	r, err := t.call(ctx, http.MethodGet, "/v1/connections/"+id, "")
	var c struct{ Rooms []string }
	if err != nil || json.Unmarshal(r.body, &c) != nil || len(c.Rooms) == 0 {
		t.broken("the connection: %d %.80s %v", r.status, r.body, err)
		return
	}
	const own = 3 // general, user:ID and client:ID
	t.did.add(fmt.Sprintf("%d channels", len(c.Rooms)-own))
	if len(c.Rooms) > 64+own {
		t.broken("it is in %d channels", len(c.Rooms)-own)
	}
}

// lastString returns the last string of an event, which is the offset of a resume.
func lastString(event string) string {
	end := strings.LastIndexByte(event, '"')
	if end < 0 {
		return ""
	}
	return event[strings.LastIndexByte(event[:end], '"')+1 : end]
}

// shortVisits fills the kept sessions from several addresses with visits of other users, each with
// as many channels as it may ask for, and then resumes an honest one.
func shortVisits(ctx context.Context, t *target) error {
	s, answer, err := t.connect(ctx, 0, `{"userId":"honest","channels":["news"]}`)
	if err != nil {
		return err
	}
	var connected struct{ Pid string }
	if err := json.Unmarshal([]byte(answer), &connected); err != nil {
		return err
	}
	event, err := s.await(`42["connected"`)
	if err != nil {
		return err
	}
	_ = s.Close()
	each(t.n(22_400), 32, func(i int) {
		s, _, err := t.connect(ctx, 1+i%8, fmt.Sprintf(
			`{"userId":"visitor%d","sessionId":"tab","channels":["a%d","b%d"]}`, i, i, i))
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("visit")
		_ = s.Close()
	})
	if _, err := t.publish(ctx, "news", `"missed"`); err != nil {
		return err
	}
	s, answer, err = t.connect(ctx, 0, fmt.Sprintf(
		`{"userId":"honest","pid":%q,"offset":%q}`, connected.Pid, lastString(event)))
	if err != nil {
		return err
	}
	defer s.Close()
	if !strings.Contains(answer, connected.Pid) {
		t.broken("it did not recover: %.120s", answer)
		return nil
	}
	_ = s.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := s.await(`42["load"`); err != nil {
		t.broken("it did not get what it missed: %v", err)
	}
	return nil
}

func oneLoudChannel(ctx context.Context, t *target) error {
	const kept = 100
	for i := range kept {
		if r, err := t.publish(ctx, "quiet", fmt.Sprint(i)); err != nil || r.status != 200 {
			return fmt.Errorf("publish: %d %w", r.status, err)
		}
	}
	data := `"` + strings.Repeat("x", 200<<10) + `"`
	each(t.n(1000), 4, func(int) { t.count(t.publish(ctx, "loud", data)) })
	r, err := t.call(ctx, http.MethodGet, "/v1/notifications?channel=quiet&since=0&limit=1000", "")
	if err != nil {
		return err
	}
	if n := strings.Count(string(r.body), `"type":"load"`); n != kept {
		t.broken("the other channel keeps %d of %d", n, kept)
	}
	return nil
}

// exhaustTickets requests tickets as pages do, for other users each time, with the most channels,
// and then one as a backend.
func exhaustTickets(ctx context.Context, t *target) error {
	each(t.n(110_000), 16, func(i int) {
		if ctx.Err() != nil {
			return
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost,
			t.url(fmt.Sprintf("/sse/tickets?userId=page%d", i)), nil)
		if err != nil {
			return
		}
		t.requests.Add(1)
		t.count(t.do(request))
	})
	r, err := t.call(ctx, http.MethodPost, "/v1/tickets", `{"userId":"honest"}`)
	if err != nil {
		return err
	}
	if r.status != http.StatusCreated {
		t.broken("the backend gets %d %.120s", r.status, r.body)
	}
	return nil
}
