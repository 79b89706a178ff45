package redisstream

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/pywire"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// startPython is start with the rules that REDIS_INGEST=python needs besides, and with a log.
func startPython(t testing.TB, stream string) (*redistest.Server, *Client, *servertest.Log) {
	t.Helper()
	user := strings.ReplaceAll(nodeUser, "socket.io*", stream+"*")
	s := redistest.Start(t, redistest.Options{Users: []string{user + " &" + DefaultPythonChannel}})
	o := options(s.URLOf("roomcast", "node-password"))
	var log *servertest.Log
	o.Log, log = servertest.NewLog()
	o.Stream = stream
	return s, dial(t, o), log
}

// ingestPython begins to ingest what python-socketio publishes, and emitters too if alsoNode is true.
func ingestPython(t testing.TB, l *Log, alsoNode bool) *Ingest {
	t.Helper()
	g := OpenIngest(l, IngestOptions{Node: alsoNode, Python: DefaultPythonChannel}, nil)
	t.Cleanup(g.Close)
	return g
}

// pythonRecorded returns the messages that a version of python-socketio published.
func pythonRecorded(t testing.TB, version string) (all []string) {
	t.Helper()
	file, err := os.Open("../pywire/testdata/managers-" + version + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		var r struct{ Text, Hex string }
		if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if raw, err := hex.DecodeString(r.Hex); err != nil {
			t.Fatal(err)
		} else if r.Hex != "" {
			r.Text = string(raw)
		}
		all = append(all, r.Text)
	}
	return all
}

// pythonEmit publishes an emit to the room r.
func pythonEmit(t testing.TB, s *redistest.Server, text string) {
	t.Helper()
	s.Do(t, "PUBLISH", DefaultPythonChannel, fmt.Sprintf(`{"method": "emit", "event": "e", "data": [%q], `+
		`"binary": false, "namespace": "/", "room": "r", "skip_sid": null, "callback": null, "host_id": "h"}`, text))
}

// What python-socketio publishes in each format becomes entries in its order, which all nodes read with
// one id.
func TestIngestPython(t *testing.T) {
	t.Parallel()
	s, c, _ := startPython(t, "socket.io")
	logs := []*Log{openLog(t, c, nil), openLog(t, dial(t, options(s.URL())), nil)}
	readers := []*reader{readFrom(t, logs[0]), readFrom(t, logs[1])}
	all := []*Ingest{ingestPython(t, logs[0], false), ingestPython(t, logs[1], false)}
	holder(t, all...)
	before := s.Do(t, "XLEN", "socket.io").(int64)
	var want, got []string
	for _, version := range []string{"5.7.2", "5.13.0", "5.14.0", "5.14.3", "5.16.3"} {
		for _, payload := range pythonRecorded(t, version) {
			s.Do(t, "PUBLISH", DefaultPythonChannel, payload)
			e, err := pywire.Decode([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			e.UID = "emitter"
			f, err := e.Fields()
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint(f.Pairs()))
		}
	}
	pythonEmit(t, s, "last")
	for _, r := range readers {
		r.awaitArgs(t, "last")
	}
	for _, e := range s.Do(t, "XRANGE", "socket.io", "-", "+").([]any)[before:] {
		got = append(got, fmt.Sprint(e.([]any)[1]))
	}
	if got = got[:len(got)-1]; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if x, y := readers[0].ids(), readers[1].ids(); !slices.Equal(x, y) || len(x) < 80 {
		t.Errorf("the nodes have\n%q\n%q", x, y)
	}
	for _, g := range all {
		if g.Dropped() != 0 || g.Skipped() != 0 {
			t.Errorf("dropped %d, skipped %d", g.Dropped(), g.Skipped())
		}
	}
}

// What is damaged or hostile is skipped and counted, and the log says why, without parts of the message.
// What follows is written.
func TestIngestPythonGarbage(t *testing.T) {
	t.Parallel()
	s, c, log := startPython(t, "socket.io")
	l := openLog(t, c, nil)
	r, g := readFrom(t, l), ingestPython(t, l, true)
	holder(t, g)
	damaged := []string{
		"\x80\x04cos\nsystem\n(\x8c\x08canary-1tR.", "", "canary-2", "\x80", "[]", "{}",
		`{"method": "canary-3"}`, `{"method": "disconnect", "sid": null}`,
		`{"method": "emit", "event": "e", "data": 1, "room": []}`,
		`{"method": "emit", "event": "connect", "data": 1}`,
		`{"method": "emit", "event": "e", "data": 1, "namespace": "canary-4"}`,
		`{"method": "close_room"}`,
	}
	for _, payload := range append(damaged, `{"method": "callback", "sid": "s", "id": 1, "args": []}`) {
		s.Do(t, "PUBLISH", DefaultPythonChannel, payload)
	}
	emit(t, s, "of an emitter")
	pythonEmit(t, s, "last")
	r.awaitArgs(t, "last")
	if got := r.args(); !slices.Equal(got, []string{`["of an emitter"]`, `["last"]`}) || l.Skipped() != 0 {
		t.Errorf("got %q, skipped in the stream %d", got, l.Skipped())
	}
	if g.Skipped() != uint64(len(damaged)) || g.Dropped() != 0 {
		t.Errorf("skipped %d of %d, dropped %d", g.Skipped(), len(damaged), g.Dropped())
	}
	text := log.Text()
	if !strings.Contains(text, "holds a Python object (opcode 0x63 at byte 2)") || strings.Contains(text, "canary") {
		t.Error(text)
	}
}

// The pattern for emitters may match the channel of Python: each message is written once.
func TestIngestPythonChannelLikeStream(t *testing.T) {
	t.Parallel()
	s, c, _ := startPython(t, "socket")
	l := openLog(t, c, nil)
	r, g := readFrom(t, l), ingestPython(t, l, true)
	holder(t, g)
	want := []string{}
	for i := range 20 {
		pythonEmit(t, s, fmt.Sprint(i))
		want = append(want, fmt.Sprintf("[\"%d\"]", i))
	}
	pythonEmit(t, s, "last")
	r.awaitArgs(t, "last")
	if got := r.args(); !slices.Equal(got, append(want, `["last"]`)) || g.Skipped() != 0 {
		t.Errorf("got %q, skipped %d", got, g.Skipped())
	}
}

// A node that hears only one kind of emitters leaves the other alone.
func TestIngestOneKind(t *testing.T) {
	t.Parallel()
	s, c, _ := startPython(t, "socket.io")
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	node := OpenIngest(l, IngestOptions{Node: true}, nil)
	holder(t, node)
	pythonEmit(t, s, "of Python")
	emit(t, s, "of Node")
	r.awaitArgs(t, "of Node")
	node.Close()
	python := ingestPython(t, l, false)
	holder(t, python)
	emit(t, s, "of Node again")
	pythonEmit(t, s, "of Python again")
	r.awaitArgs(t, "of Python again")
	if got := r.args(); !slices.Equal(got, []string{`["of Node"]`, `["of Python again"]`}) {
		t.Errorf("got %q", got)
	}
}

// A user without the channel hears nobody, and the log says why.
func TestIngestPythonDenied(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	o := options(s.URLOf("roomcast", "node-password"))
	logger, log := servertest.NewLog()
	o.Log = logger.WithOptions(zap.IncreaseLevel(zap.WarnLevel))
	g := ingestPython(t, openLog(t, dial(t, o), nil), true)
	servertest.Eventually(t, "a line about it", func() bool { return strings.Contains(log.Text(), "NOPERM") })
	if g.isHolder() {
		t.Error("it listens")
	}
}

// The name of a channel is one that an ACL means.
func TestIngestOptions(t *testing.T) {
	t.Parallel()
	for name, isGood := range map[string]bool{
		"": true, "socketio": true, "flask-socketio": true, "a b": false, "socketio*": false,
		strings.Repeat("a", maxName+1): false,
	} {
		if err := (IngestOptions{Python: name}).Check("socket.io"); (err == nil) != isGood {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}
