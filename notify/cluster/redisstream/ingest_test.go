package redisstream

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// ingest begins to ingest for a log. The test closes it.
func ingest(t testing.TB, l *Log) *Ingest {
	t.Helper()
	g := OpenIngest(l, IngestOptions{Node: true}, nil)
	t.Cleanup(g.Close)
	return g
}

// holder waits until one of these has the lock, and returns its index.
func holder(t testing.TB, all ...*Ingest) (found int) {
	t.Helper()
	servertest.Eventually(t, "a node that ingests", func() bool {
		found = slices.IndexFunc(all, (*Ingest).isHolder)
		return found >= 0
	})
	return found
}

// emitted is what an emitter publishes to a room.
func emitted(t testing.TB, uid, text string, volatile bool) (channel, payload string) {
	t.Helper()
	data, _ := json.Marshal([]string{"e", text})
	e := &nodewire.Entry{Type: nodewire.TypeBroadcast, UID: uid, Namespace: "/",
		Opts: nodewire.Opts{Rooms: []string{"r"}, Volatile: volatile}, Packet: nodewire.Value{JSON: data}}
	raw, err := e.AppendArray(nil)
	if err != nil {
		t.Fatal(err)
	}
	return "socket.io#/#r#", string(raw)
}

func emit(t testing.TB, s *redistest.Server, text string) {
	t.Helper()
	channel, payload := emitted(t, "emitter", text, false)
	s.Do(t, "PUBLISH", channel, payload)
}

// args returns the arguments of all emits.
func (r *reader) args() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		all = append(all, string(m.Args))
	}
	return all
}

func (r *reader) awaitArgs(t testing.TB, text string) {
	t.Helper()
	want := fmt.Sprintf("[%q]", text)
	servertest.Eventually(t, "the message "+text, func() bool { return slices.Contains(r.args(), want) })
}

// Two nodes that ingest write each message of an emitter once, in its order, and both deliver it with
// one id.
func TestIngestOnce(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	logs := []*Log{openLog(t, c, nil), openLog(t, dial(t, options(s.URL())), nil)}
	readers := []*reader{readFrom(t, logs[0]), readFrom(t, logs[1])}
	all := []*Ingest{ingest(t, logs[0]), ingest(t, logs[1])}
	holder(t, all...)
	var want []string
	for i := range servertest.Soaked(300) {
		text := fmt.Sprint(i)
		emit(t, s, text)
		want = append(want, fmt.Sprintf("[%q]", text))
	}
	emit(t, s, "last")
	want = append(want, `["last"]`)
	for _, r := range readers {
		r.awaitArgs(t, "last")
		if got := r.args(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}
	if x, y := readers[0].ids(), readers[1].ids(); !slices.Equal(x, y) {
		t.Errorf("the nodes have\n%q\n%q", x, y)
	}
	if all[0].isHolder() && all[1].isHolder() {
		t.Error("both have the lock")
	}
	for _, g := range all {
		if g.Dropped() != 0 || g.Skipped() != 0 {
			t.Errorf("dropped %d, skipped %d", g.Dropped(), g.Skipped())
		}
	}
}

// Every recorded message of emitters and of servers with the pub/sub adapter that is for clients
// becomes an entry, which is read as the message was; calls of servers do not.
func TestIngestRecorded(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	g := ingest(t, openLog(t, c, nil))
	holder(t, g)
	file, err := os.Open("../nodewire/testdata/pubsub-8.3.0.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := s.Do(t, "XLEN", "socket.io").(int64)
	var want, got []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		var r struct{ Channel, Text, Hex string }
		if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		payload := r.Text
		if r.Hex != "" {
			raw, _ := hex.DecodeString(r.Hex)
			payload = string(raw)
		}
		s.Do(t, "PUBLISH", r.Channel, payload)
		ch, _ := nodewire.ParseChannel("socket.io", r.Channel)
		decode := nodewire.DecodeArray
		switch ch.Medium {
		case nodewire.Responses:
			continue
		case nodewire.Requests:
			decode = nodewire.DecodeRequest
		}
		e, err := decode(ch.Namespace, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if e.Opts.Volatile || !isOrdered(e) && ch.Medium == nodewire.Requests {
			continue
		}
		e.UID = "emitter"
		f, err := e.Fields()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(f.Pairs()))
	}
	servertest.Eventually(t, "all entries", func() bool {
		return s.Do(t, "XLEN", "socket.io").(int64)-before >= int64(len(want))
	})
	emit(t, s, "last")
	servertest.Eventually(t, "the last entry", func() bool {
		got = nil
		for _, e := range s.Do(t, "XRANGE", "socket.io", "-", "+").([]any)[before:] {
			got = append(got, fmt.Sprint(e.([]any)[1]))
		}
		return strings.Contains(got[len(got)-1], "last")
	})
	if got = got[:len(got)-1]; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(want) < 12 || g.Skipped() != 0 || g.Dropped() != 0 {
		t.Errorf("%d entries, skipped %d, dropped %d", len(want), g.Skipped(), g.Dropped())
	}
}

// A volatile message is not stored, but published for all servers.
func TestIngestVolatile(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	g := ingest(t, openLog(t, c, nil))
	holder(t, g)
	var mu sync.Mutex
	var got []*nodewire.Entry
	channels := OpenChannels(c)
	t.Cleanup(channels.Close)
	channels.Receive(func(_ string, payload []byte) {
		if nodewire.IsArray(payload) {
			return
		}
		e, err := nodewire.DecodeMap(payload)
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e)
	})
	channels.Subscribe("socket.io#/#")
	if err := channels.Wait(t.Context(), "socket.io#/#"); err != nil {
		t.Fatal(err)
	}
	before := s.Do(t, "XLEN", "socket.io")
	channel, payload := emitted(t, "emitter", "now", true)
	s.Do(t, "PUBLISH", channel, payload)
	servertest.Eventually(t, "the message", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) == 1
	})
	e := got[0]
	if e.UID != "emitter" || !e.Opts.Volatile || string(e.Packet.JSON) != `["e","now"]` ||
		!slices.Equal(e.Opts.Rooms, []string{"r"}) {
		t.Errorf("%+v", e)
	}
	if after := s.Do(t, "XLEN", "socket.io"); after != before {
		t.Errorf("the stream had %v entries, has %v", before, after)
	}
}

// What is damaged, what the streams adapter publishes, and what a node of Roomcast publishes, is not
// written. What follows is.
func TestIngestGarbage(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r, g := readFrom(t, l), ingest(t, l)
	holder(t, g)
	damaged := [][2]string{
		{"socket.io#/#", ""},
		{"socket.io#/#", "garbage"},
		{"socket.io#/#", "\x93"},
		{"socket.io#/#", "\xdd\xff\xff\xff\xff"},
		{"socket.io#/#", "\x93\xa1x\x80\x80"},
		{"socket.io#/other#", "\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\x81\xa5rooms\x90"},
		{"socket.io-request#/#", ""},
		{"socket.io-request#/#", "{"},
		{"socket.io-request#/#", `{"type":2,"opts":{"rooms":[]},"rooms":{}}`},
		{"socket.io-request#/#", `{"type":99}`},
	}
	own, payload := emitted(t, nodewire.NewUID(), "own", false)
	for _, m := range append(damaged, [2]string{own, payload},
		[2]string{"socket.io-response#/#", "garbage"},
		[2]string{"socket.io-2#/#", "garbage"}, [2]string{"socket.io#nothing", "garbage"},
		[2]string{"socket.io#/#", `{"type":3}`}, [2]string{"socket.io#/#", "\x81\xa1x\x01"},
		[2]string{"socket.io-request#/#", `{"uid":"emitter","type":6,"data":["x"]}`}) {
		s.Do(t, "PUBLISH", m[0], m[1])
	}
	emit(t, s, "last")
	r.awaitArgs(t, "last")
	if got := r.args(); !slices.Equal(got, []string{`["last"]`}) || l.Skipped() != 0 {
		t.Errorf("got %q, skipped in the stream %d", got, l.Skipped())
	}
	if g.Skipped() != uint64(len(damaged)) || g.Dropped() != 0 {
		t.Errorf("skipped %d of %d, dropped %d", g.Skipped(), len(damaged), g.Dropped())
	}
}

// When the node that ingests stands still, another one takes over after its lock has ended. The first
// one then writes nothing of what it had received.
func TestIngestMoves(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	far, near := openLog(t, dial(t, options("redis://"+proxy.Addr)), nil), openLog(t,
		dial(t, options(s.URL())), nil)
	r := readFrom(t, near)
	readFrom(t, far)
	first := ingest(t, far)
	holder(t, first)
	second := ingest(t, near)
	emit(t, s, "before")
	r.awaitArgs(t, "before")

	proxy.Stall(true)
	start := time.Now()
	holder(t, second)
	t.Logf("taken over after %v", time.Since(start))
	for i := range 20 {
		emit(t, s, fmt.Sprint(i))
	}
	r.awaitArgs(t, "19")
	proxy.Stall(false)
	servertest.Eventually(t, "the first node stops", func() bool { return !first.isHolder() })
	emit(t, s, "after")
	r.awaitArgs(t, "after")
	got := r.args()
	if len(got) != 22 || got[1] != `["0"]` {
		t.Errorf("got %q", got)
	}
}

// A node that ends gives the lock to another one at once.
func TestIngestEnds(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	a, b := openLog(t, c, nil), openLog(t, c, nil)
	r := readFrom(t, b)
	first := OpenIngest(a, IngestOptions{Node: true}, nil)
	holder(t, first)
	second := ingest(t, b)
	emit(t, s, "written")
	r.awaitArgs(t, "written")
	first.Close()
	if first.Dropped() != 0 {
		t.Errorf("dropped %d", first.Dropped())
	}
	holder(t, second)
	emit(t, s, "next")
	r.awaitArgs(t, "next")
	if got := r.args(); !slices.Equal(got, []string{`["written"]`, `["next"]`}) {
		t.Errorf("got %q", got)
	}
}

// What a node received with a lock that it has lost is dropped, and counted.
func TestIngestFence(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	g := &Ingest{l: l, c: c}
	g.life, g.end = c.life, func() {}
	g.writing = c.life
	before := s.Do(t, "XLEN", "socket.io")
	name, payload := emitted(t, "emitter", "late", false)
	channel, _ := nodewire.ParseChannel("socket.io", name)
	s.Do(t, "SET", "roomcast:{socket.io}:ingest", "another")
	g.storeAll([]*published{{channel: channel, payload: []byte(payload), term: "a"},
		{channel: channel, payload: []byte(payload), term: "b"}})
	if g.Dropped() != 2 || s.Do(t, "XLEN", "socket.io") != before {
		t.Errorf("dropped %d, the stream had %v", g.Dropped(), before)
	}
	s.Do(t, "SET", "roomcast:{socket.io}:ingest", "b")
	g.storeAll([]*published{{channel: channel, payload: []byte(payload), term: "a"},
		{channel: channel, payload: []byte(payload), term: "b"}})
	if got := s.Do(t, "XLEN", "socket.io").(int64); g.Dropped() != 3 || got != before.(int64)+1 {
		t.Errorf("dropped %d, the stream had %v, has %d", g.Dropped(), before, got)
	}
}

// A node that has lost the lock does not say that it holds it.
func TestIngestHolds(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	told := make(chan time.Time, 1000)
	g := OpenIngest(l, IngestOptions{Servers: "other"}, func(until time.Time) { told <- until })
	defer g.Close()
	if until := servertest.Receive(t, told); until.IsZero() {
		t.Error("the first thing is that the lock is lost")
	}
	s.Do(t, "SET", g.lockKey(), "another")
	lost := time.Now()
	for until := servertest.Receive(t, told); !until.IsZero(); until = servertest.Receive(t, told) {
		if begun := until.Add(-ingestLife); begun.After(lost) {
			t.Errorf("it says that it holds the lock %v after it was lost", begun.Sub(lost))
		}
	}
}
