package peers

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// volatileOf returns the recorded volatile emit of a Node server, which adapter 0.3 writes to the
// stream: io.volatile.emit("vol", 1).
func volatileOf(t testing.TB) *nodewire.Entry {
	t.Helper()
	for _, l := range recording(t, "streams-0.3.1.jsonl") {
		if l.Call == `io.volatile.emit("vol", 1)` {
			return l.entry(t)
		}
	}
	t.Fatal("the recording has no volatile emit")
	return nil
}

// packed returns the bytes of a text in MessagePack that is shorter than 256 bytes.
func packed(text string) string {
	if len(text) < 32 {
		return fmt.Sprintf("%02x%x", 0xa0|len(text), text)
	}
	return fmt.Sprintf("d9%02x%x", len(text), text)
}

// A volatile message is published as the map that adapter 0.3 publishes for what is not stored: the
// bytes of the recorded requests with the body of the recorded emit, and our field rc at the end.
func TestVolatileBytes(t *testing.T) {
	t.Parallel()
	w := newWire(2)
	o := DefaultOptions()
	o.UID = own
	p := New(w, wireStream{w}, o)
	p.Relay().Send(emit("early")) // nobody else knows this server yet
	p.Serve(local{})
	defer p.Close()
	<-w.sent // the greeting
	m := emit("vol")
	m.Args = json.RawMessage(`[1]`)
	p.Relay().Send(m)
	const body = "a47479706503" + // type 3
		"a46461746182" + // data
		"a67061636b657482a47479706502a46461746192a3766f6c01" + // packet {type: 2, data: ["vol", 1]}
		"a46f70747383a5726f6f6d7390a665786365707490a5666c61677381a8766f6c6174696c65c3"
	rc := `{"v":1,"k":"a","ts":1795862273192}`
	want := "socket.io#/# 85" + body + packed("uid") + packed(own) + packed("nsp") + packed("/") +
		packed("rc") + packed(rc)
	if got := <-w.sent; got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
	recorded, err := volatileOf(t).AppendMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hex.EncodeToString(recorded), "84"+body) {
		t.Errorf("Node's entry is %x", recorded)
	}
	if n := p.VolatileDropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// emit returns a volatile emit to everyone.
func emit(event string) *notify.Message {
	return &notify.Message{Namespace: "/", Rooms: []string{"*"}, Type: event, Volatile: true,
		Args: json.RawMessage(`[]`), Timestamp: time.UnixMilli(1795862273192).UTC()}
}

// relaying returns a server on a wire, and what arrives by its relay.
func relaying(t testing.TB, w *wire) (*Peers, chan *notify.Message) {
	t.Helper()
	o := DefaultOptions()
	o.UID = own
	p := New(w, wireStream{w}, o)
	arrived := make(chan *notify.Message, 2*maxRelayed)
	p.Relay().Receive(func(m *notify.Message) { arrived <- m })
	p.Serve(local{})
	t.Cleanup(p.Close)
	return p, arrived
}

// Volatile broadcasts of other servers arrive, of Node and of Roomcast, once each. Nothing else does.
func TestVolatileOfOthers(t *testing.T) {
	t.Parallel()
	w := newWire(2)
	_, arrived := relaying(t, w)
	publish := func(channel string, e *nodewire.Entry) {
		t.Helper()
		payload, err := e.AppendMap(nil)
		if err != nil {
			t.Fatal(err)
		}
		w.published(channel, payload)
	}
	node := volatileOf(t)
	publish("socket.io#/#", node)
	roomcast, err := nodewire.FromMessage(&notify.Message{
		Namespace: "/", Rooms: []string{"c"}, Except: []string{"client:1"}, Type: "typing",
		Data: json.RawMessage(`{"x":1}`), Volatile: true, Timestamp: time.UnixMilli(1795862273192).UTC(),
	}, other, "")
	if err != nil {
		t.Fatal(err)
	}
	publish("socket.io#/#", roomcast)
	w.read(node) // the log delivers what is in the stream
	publish("socket.io#/n#", node)
	stored, mine := *node, *node
	stored.Opts.Volatile = false
	publish("socket.io#/#", &stored)
	mine.UID = own
	publish("socket.io#/#", &mine)
	dropped := *node
	dropped.Opts.Rooms = []string{"*"} // is no room
	publish("socket.io#/#", &dropped)
	w.published("socket.io#/#", []byte("damaged"))
	last := *node
	last.UID = other
	publish("socket.io#/#", &last)

	var got []string
	for range 3 {
		m := <-arrived
		if !m.Volatile || !m.ID.IsZero() {
			t.Errorf("message %+v", m)
		}
		got = append(got, fmt.Sprintf("%s %q %q %s %s", m.Type, m.Rooms, m.Except, m.Args, m.Data))
	}
	want := []string{`vol ["*"] [] [1] `, `typing ["c"] ["client:1"]  {"x":1}`, `vol ["*"] [] [1] `}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("arrived %q, want %q", got, want)
	}
	if len(arrived) > 0 {
		t.Errorf("arrived %+v", <-arrived)
	}
}

// stuck is a wire whose Publish waits, and then fails.
type stuck struct {
	*wire
	publishing chan int
	fail       chan error
}

func (s stuck) Publish(ctx context.Context, messages ...Message) error {
	s.publishing <- len(messages)
	select {
	case err := <-s.fail:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// While Redis does not answer, Send does not wait. What waits is bounded, and is dropped when the
// request fails; what comes later is sent.
func TestVolatileWithoutRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stuck{newWire(2), make(chan int, 100), make(chan error)}
		o := DefaultOptions()
		o.UID = own
		p := New(s, wireStream{s.wire}, o)
		p.Serve(local{})
		defer p.Close()
		r := p.Relay()
		r.Send(emit("first"))
		if n := <-s.publishing; n != 1 {
			t.Fatalf("%d messages", n)
		}
		began := time.Now()
		for range maxRelayed + 7 {
			r.Send(emit("more"))
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("Send has waited for %v", took)
		}
		if n := p.VolatileDropped(); n != 7 {
			t.Errorf("%d dropped, want 7", n)
		}
		s.fail <- errors.New("no connection")
		synctest.Wait()
		if n := p.VolatileDropped(); n != 7+1+maxRelayed {
			t.Errorf("%d dropped, want %d", n, 7+1+maxRelayed)
		}
		r.Send(emit("later"))
		if n := <-s.publishing; n != 1 || time.Since(began) != relayPause {
			t.Errorf("%d messages after %v", n, time.Since(began))
		}
		s.fail <- nil
		synctest.Wait()
		large := emit("large")
		large.Args = json.RawMessage(`["` + strings.Repeat("x", maxRelayedBytes/4) + `"]`)
		for range 5 { // the first one is on its way
			r.Send(large)
			synctest.Wait()
		}
		if n := p.VolatileDropped(); n != 7+1+maxRelayed+1 {
			t.Errorf("%d dropped, want one for its bytes", n)
		}
	})
}

// What other servers send is bounded while this one is slow.
func TestVolatileOfOthersIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(2)
		o := DefaultOptions()
		o.UID = own
		p := New(w, wireStream{w}, o)
		release := make(chan struct{})
		p.Relay().Receive(func(*notify.Message) { <-release })
		p.Serve(local{})
		payload, err := volatileOf(t).AppendMap(nil)
		if err != nil {
			t.Fatal(err)
		}
		w.published("socket.io#/#", payload)
		synctest.Wait() // it is being delivered
		for range maxRelayed + 5 {
			w.published("socket.io#/#", payload)
		}
		if n := p.VolatileDropped(); n != 5 {
			t.Errorf("%d dropped, want 5", n)
		}
		close(release)
		p.Close()
	})
}

// A message that other servers have no form for is counted.
func TestVolatileWithoutAForm(t *testing.T) {
	t.Parallel()
	p, _ := relaying(t, newWire(2))
	m := emit("x")
	m.Rooms = []string{"/n#r"} // of another namespace
	p.Relay().Send(m)
	if n := p.VolatileDropped(); n != 1 {
		t.Errorf("%d dropped", n)
	}
}
