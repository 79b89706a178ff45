package peers

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// servePubSub returns the Peers of a server that represents its cluster, of others servers besides, and
// the wire; theirs is the number of servers with the pub/sub adapter.
func servePubSub(t testing.TB, l Local, others, theirs int) (*Peers, *wire) {
	t.Helper()
	w := newWire(1 + others)
	w.counts = map[string]int{"socket.io-request#/#": theirs + 1, "roomcast-represents#/#": 1}
	o := DefaultOptions()
	o.UID, o.Prefix, o.Servers = own, "roomcast", "socket.io"
	p := serveAs(t, w, l, o)
	p.Represent(time.Now().Add(time.Hour))
	return p, w
}

// cluster is the uid of the cluster for servers with the pub/sub adapter.
var cluster = nodewire.ClusterUID("roomcast")

// next returns the next message that was sent to a channel.
func (w *wire) next(t testing.TB, channel string) string {
	t.Helper()
	name, text, _ := strings.Cut(<-w.sent, " ")
	payload, err := hex.DecodeString(text)
	if name != channel || err != nil {
		t.Fatalf("sent %s to %s, want something to %s", payload, name, channel)
	}
	return string(payload)
}

// A cluster of one server answers requests of the pub/sub adapter with the bytes of a server on Node that
// has the same clients.
func TestPubSubAnswers(t *testing.T) {
	t.Parallel()
	lines := recording(t, "pubsub-8.3.0.jsonl")
	tested := 0
	for i, request := range lines {
		channel, _ := nodewire.ParseChannel("socket.io", request.Channel)
		if channel.Medium != nodewire.Requests || i+1 == len(lines) {
			continue
		}
		var answers []line
		for _, l := range lines[i+1:] {
			if c, _ := nodewire.ParseChannel("socket.io", l.Channel); c.Medium != nodewire.Responses {
				break
			}
			answers = append(answers, l)
		}
		if len(answers) == 0 {
			continue
		}
		tested++
		var l local
		for _, answer := range answers {
			e, err := nodewire.DecodeResponse("/", answer.payload(t))
			if err != nil {
				t.Fatal(err)
			}
			switch e.Type {
			case nodewire.TypeSockets:
				l.sockets, _ = e.Sockets()
			case nodewire.TypeClientCount:
				l.clients = e.Count
			default:
				l.answers = append(l.answers, e.Packet)
			}
		}
		p, w := servePubSub(t, l, 0, 1)
		p.published(request.Channel, request.payload(t))
		if strings.HasPrefix(request.Call, "serverSideEmit") { // the other servers get the event
			if e, err := nodewire.DecodeMap([]byte(w.next(t, "roomcast#/#"))); err != nil ||
				e.Type != nodewire.TypeServerEmit || e.UID != own || e.RequestID != "" {
				t.Errorf("%+v, %v", e, err)
			}
		}
		var got, want []string
		for _, answer := range answers {
			got = append(got, w.next(t, answer.Channel))
			want = append(want, string(answer.payload(t)))
		}
		slices.Sort(got) // the count and the acknowledgements have no order
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", request.Call, got, want)
		}
	}
	if tested != 3 {
		t.Errorf("%d requests were tested", tested)
	}
}

func socketOf(id string, rooms ...string) nodewire.Socket {
	return nodewire.Socket{ID: id, Rooms: append([]string{id}, rooms...)}
}

// The clients of all servers of the cluster are in one answer. A server that is silent is left out in time.
func TestPubSubAnswersForAll(t *testing.T) {
	t.Parallel()
	p, w := servePubSub(t, local{sockets: []nodewire.Socket{socketOf("a", "r")}}, 2, 1)
	p.o.Timeout = 100 * time.Millisecond
	for _, text := range []string{
		`{"uid":"x","requestId":"f","type":5,"opts":{"rooms":["r"],"except":["q"]}}`,
		`{"uid":"x","requestId":"g","type":1}`,
	} {
		p.published("socket.io-request#/#", []byte(text))
		e, err := nodewire.DecodeMap([]byte(w.next(t, "roomcast#/#")))
		if err != nil || e.Type != nodewire.TypeFetchSockets || e.UID != own {
			t.Fatalf("%+v, %v", e, err)
		}
		answer := &nodewire.Entry{Type: nodewire.TypeSockets, UID: "b", Namespace: "/", RequestID: e.RequestID}
		if err := answer.SetSockets([]nodewire.Socket{socketOf("b", "r", "s")}); err != nil {
			t.Fatal(err)
		}
		p.receive(answer, byChannel) // and the third server is silent
		got := w.next(t, "socket.io-response#/#")
		if strings.Contains(text, `"f"`) {
			answer, err := nodewire.DecodeResponse("/", []byte(got))
			if err != nil {
				t.Fatal(err)
			}
			sockets, _ := answer.Sockets()
			if len(sockets) != 2 || sockets[0].ID != "a" || sockets[1].ID != "b" || answer.RequestID != "f" ||
				!slices.Equal(e.Opts.Rooms, []string{"r"}) || !slices.Equal(e.Opts.Except, []string{"q"}) {
				t.Errorf("%s for %+v", got, e.Opts)
			}
		} else if want := `{"requestId":"g","rooms":["a","b","r","s"]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A broadcast that clients acknowledge has one count, that of all servers, and each acknowledgement.
func TestPubSubAsksAll(t *testing.T) {
	t.Parallel()
	value := func(text string) nodewire.Value { return nodewire.Value{JSON: json.RawMessage(text)} }
	p, w := servePubSub(t, local{clients: 2, answers: []nodewire.Value{value("1"), value("2")}}, 2, 1)
	ask := &nodewire.Entry{Type: nodewire.TypeBroadcast, UID: "x", RequestID: "r", Namespace: "/",
		Opts: nodewire.Opts{Timeout: time.Minute}, Packet: value(`["e"]`)}
	payload, err := ask.AppendRequest(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.published("socket.io-request#/#", payload)
	var request *nodewire.Entry
	seen := map[string]int{}
	note := func(payload string) {
		e, err := nodewire.DecodeResponse("/", []byte(payload))
		if err != nil || e.RequestID != "r" {
			t.Fatalf("%q: %v", payload, err)
		}
		seen[fmt.Sprint(e.Type, e.Count, string(e.Packet.JSON))]++
	}
	for range 3 { // the request to the others, and the own acknowledgements
		channel, text, _ := strings.Cut(<-w.sent, " ")
		raw, _ := hex.DecodeString(text)
		if channel == "roomcast#/#" {
			if request, err = nodewire.DecodeMap(raw); err != nil {
				t.Fatal(err)
			}
		} else {
			note(string(raw))
		}
	}
	for uid, n := range map[string]int{"b": 1, "c": 0} {
		e := nodewire.Entry{UID: uid, Namespace: "/", RequestID: request.RequestID}
		ack := e
		e.Type, e.Count = nodewire.TypeClientCount, n
		p.receive(&e, byChannel)
		if ack.Type, ack.Packet = nodewire.TypeAck, value("3"); n > 0 {
			p.receive(&ack, byChannel)
		}
	}
	for range 2 {
		note(w.next(t, "socket.io-response#/#"))
	}
	count := fmt.Sprint(nodewire.TypeClientCount, 3, "")
	ack := func(text string) string { return fmt.Sprint(nodewire.TypeAck, 0, text) }
	if len(seen) != 4 || seen[count] != 1 || seen[ack("1")] != 1 || seen[ack("2")] != 1 || seen[ack("3")] != 1 {
		t.Errorf("got %v", seen)
	}
}
