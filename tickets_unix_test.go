//go:build unix

package main

import (
	"bufio"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/auth"
)

var ticketIn = regexp.MustCompile(`"ticket":"([^"]+)"`)

// ticket requests a ticket by a backend, or by a client.
func (p *program) ticket(path, body string) string {
	p.t.Helper()
	status, text, _ := call("POST", p.base+path, body, "Content-Type", "application/json")
	if status != http.StatusOK && status != http.StatusCreated {
		p.t.Fatalf("%s: %d %s", path, status, text)
	}
	return ticketIn.FindStringSubmatch(text)[1]
}

// redeem opens a connection with a ticket, and returns what the server answers first.
func (p *program) redeem(transport, ticket string) string {
	p.t.Helper()
	if transport == "sse" {
		res, err := httpClient().Get(p.base + "/sse?ticket=" + ticket)
		if err != nil {
			p.t.Fatal(err)
		}
		defer res.Body.Close()
		text := res.Status
		for lines := bufio.NewScanner(res.Body); res.StatusCode == http.StatusOK && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data: ") {
				return lines.Text()
			}
		}
		return text
	}
	url := "ws" + strings.TrimPrefix(p.base, "http") + "/socket.io/?EIO=4&transport=websocket"
	socket, res, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	defer socket.Close()
	if err := socket.WriteMessage(websocket.TextMessage, []byte(`40{"ticket":"`+ticket+`"}`)); err != nil {
		p.t.Fatal(err)
	}
	_ = socket.SetReadDeadline(time.Now().Add(patience))
	for {
		_, packet, err := socket.ReadMessage()
		if err != nil {
			p.t.Fatal(err)
		}
		if strings.HasPrefix(string(packet), "4") {
			return string(packet)
		}
	}
}

func (p *program) refusesTicket(transport, ticket string) {
	p.t.Helper()
	want := map[string]string{"sse": "401 Unauthorized", "socketio": `44{"message":"Invalid token"`}
	if got := p.redeem(transport, ticket); !strings.HasPrefix(got, want[transport]) {
		p.t.Errorf("%s: a ticket that is gone gets %s", transport, got)
	}
}

// A ticket is accepted once and by one process, also when the process is killed after it was issued
// and right after it was used, and with every DATA_SYNC. A revoked one stays revoked.
func TestKilledServerKeepsTickets(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": t.TempDir(), "AUTH_FAILURES": "0"}
	p := startChild(t, 1000, settings)
	next := func() {
		p.kill(t)
		p = startChild(t, 1000, settings)
	}
	issued := time.Now()
	type pair struct{ transport, ticket string }
	var tickets []pair
	for _, transport := range []string{"sse", "socketio"} {
		tickets = append(tickets,
			pair{transport, p.ticket("/v1/tickets", `{"userId":"u1"}`)},
			pair{transport, p.ticket("/sse/tickets?userId=u1", "")})
	}
	revoked := p.ticket("/v1/tickets", `{"userId":"gone"}`)
	if status, text, _ := call("DELETE", p.base+"/v1/users/gone/connections", ""); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	next()
	for _, of := range tickets {
		got := p.redeem(of.transport, of.ticket)
		if time.Since(issued) >= auth.MaxTicketTTL {
			t.Skip("the machine is too slow for tickets of 30 seconds")
		}
		if !strings.HasPrefix(got, `data: {"type":"connected"`) && !strings.HasPrefix(got, `40{"sid"`) {
			t.Errorf("%s: the ticket gets %s", of.transport, got)
		}
		p.refusesTicket(of.transport, of.ticket)
		settings["DATA_SYNC"] = map[string]string{"sse": "interval", "socketio": "always"}[of.transport]
		next() // right after the use, in the last round
		p.refusesTicket("sse", of.ticket)
		p.refusesTicket("socketio", of.ticket)
	}
	p.refusesTicket("sse", revoked)
	p.kill(t)
}

// A stop issues tickets until its end, and the next process accepts them.
func TestStopKeepsTickets(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": t.TempDir(), "HANDSHAKE_RATE": "1"}
	p := start(t, settings)
	before := p.ticket("/v1/tickets", `{"userId":"u1"}`)
	stream, err := httpClient().Get(p.base + "/sse?userId=u1") // the stop waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	p.stop()
	p.waitFor(regexp.MustCompile(`"msg":"draining"`))
	issued := time.Now()
	during := ""
	if status, text, _ := call("POST", p.base+"/v1/tickets", `{"userId":"u1"}`,
		"Content-Type", "application/json"); status == http.StatusOK || status == http.StatusCreated {
		during = ticketIn.FindStringSubmatch(text)[1]
	} else if status != 0 { // 0: the stop was faster
		t.Errorf("during the stop: %d %s", status, text)
	}
	p.ended()
	delete(settings, "HANDSHAKE_RATE") // which was to make the stop slow
	p = start(t, settings)
	for _, ticket := range []string{before, during} {
		got := ""
		if ticket != "" {
			got = p.redeem("sse", ticket)
		}
		if time.Since(issued) < auth.MaxTicketTTL/2 && ticket != "" &&
			!strings.HasPrefix(got, `data: {"type":"connected"`) {
			t.Errorf("the ticket gets %s", got)
		}
	}
	p.end()
}
