package disklog

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// goldenTime is when the messages of the golden store were stored.
var goldenTime = time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)

// golden returns the messages of the golden store. The first three are in a table, the others in the
// write-ahead log.
func golden() []*notify.Message {
	at := goldenTime.Add(-time.Second)
	return []*notify.Message{
		{Namespace: "/", Rooms: []string{"orders"}, Type: "order:created", Timestamp: at,
			Data: json.RawMessage(`{"id":1}`), Metadata: json.RawMessage(`{"channel":"orders"}`)},
		{Namespace: "/", Rooms: []string{"user:u1"}, Type: "price", Timestamp: at, Retain: true,
			Data: json.RawMessage(`2`)},
		{Namespace: "/chat", Rooms: []string{"/chat#a", "/chat#b"}, Except: []string{"/chat#c"},
			Type: "chat message", Timestamp: at, Args: json.RawMessage(`["AQI="]`),
			BinaryArgs:  json.RawMessage(`[{"_placeholder":true,"num":0}]`),
			Attachments: [][]byte{{1, 2}}},
		{Namespace: "/", Rooms: []string{"orders"}, Type: "order:paid", Timestamp: at,
			TTL: time.Hour, Bare: true, Data: json.RawMessage(`"ü"`)},
	}
}

var goldenSession = notify.Session{Key: "pid:p1", UserID: "u1", ClientID: "c1", Namespace: "/",
	Channels: []string{"orders"}, Cursor: notify.ID{Epoch: 7, Seq: 3}}

// P09: this version reads the stores that earlier ones have written. There is one directory for each
// format; ROOMCAST_WRITE_GOLDEN=format-2 writes that of the newest one.
func TestGolden(t *testing.T) {
	t.Parallel()
	s, dir := openGolden(t, "format-1", nil)
	first := follow(s.Log())
	want := golden()
	if len(first.Messages) != len(want) || s.Log().Losses() != 0 {
		t.Fatalf("%d messages, %d losses", len(first.Messages), s.Log().Losses())
	}
	for i, m := range first.Messages {
		want[i].ID, want[i].Stored = notify.ID{Epoch: m.ID.Epoch, Seq: uint64(i) + 1}, goldenTime
		if got, want := asJSON(t, m), asJSON(t, want[i]); got != want {
			t.Errorf("message %d is %s, want %s", i, got, want)
		}
	}
	if got := s.Sessions().Load(); len(got) != 1 || asJSON(t, got[0]) != asJSON(t, goldenSession) {
		t.Errorf("sessions %+v", got)
	}
	if got := s.Retained().Retained(); len(got) != 1 || got[0].ID != first.Messages[1].ID {
		t.Errorf("retained %+v", got)
	}
	add(t, s.Log(), 5, 5, "orders")
	page, all, err := s.Log().Read([]notify.Span{{Room: "orders"}}, 5, 9, 1<<20)
	if err != nil || !all || len(page) != 3 {
		t.Errorf("%d messages of a room, %t %v", len(page), all, err)
	}
	closed(t, s)
	expectFormat(t, dir, formatFirst) // an earlier version can read it again
}

// The second format has rooms that have lost more than the others. When these have no more of that, the
// store has the first format again.
func TestGoldenRooms(t *testing.T) {
	t.Parallel()
	s, dir := openGolden(t, "format-2", smallGolden)
	l := s.Log()
	follow(l)
	if floors := l.floors.all(); len(floors) != 1 || floors["storm"] == 0 || l.floor.Load() > 0 {
		t.Fatalf("floors %v of %d", floors, l.floor.Load())
	}
	quiet, _, err := l.Read([]notify.Span{{Room: "quiet"}}, l.Head().Seq, 9, 1<<20)
	if err != nil || shown(quiet) != "1 2 " || len(quiet[1].Rooms) != 2 {
		t.Errorf("the quiet room has %s, %v", shown(quiet), err)
	}
	storm := []notify.Span{{Room: "storm", After: l.Floor("storm")}}
	rest, _, err := l.Read(storm, l.Head().Seq, 1<<10, 1<<20)
	if err != nil || uint64(len(rest)) != l.Head().Seq-l.Floor("storm") {
		t.Errorf("the other one has %d after %d, %v", len(rest), l.Floor("storm"), err)
	}
	storm[0].After--
	if _, _, err := l.Read(storm, l.Head().Seq, 9, 1<<20); !errors.Is(err, notify.ErrTrimmed) {
		t.Errorf("error %v", err)
	}
	closed(t, s)
	expectFormat(t, dir, formatRooms)
	s = open(t, dir, func(o *Options) {
		o.Now = func() time.Time { return goldenTime.Add(25 * time.Hour) }
	})
	for range 100 {
		s.Log().tend()
	}
	closed(t, s)
	expectFormat(t, dir, formatFirst)
}

// smallGolden is for a store that has a room above its share.
func smallGolden(o *Options) { o.MaxBytes = 16 << 10 }

// openGolden opens a copy of a golden store.
func openGolden(t *testing.T, name string, change func(*Options)) (s *Store, dir string) {
	t.Helper()
	source := filepath.Join("testdata", name)
	options := func(o *Options) {
		o.Now = func() time.Time { return goldenTime }
		if change != nil {
			change(o)
		}
	}
	if os.Getenv("ROOMCAST_WRITE_GOLDEN") == name {
		writeGolden(t, source, options)
	}
	dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, options), dir
}

// expectFormat checks a directory and the version of its layout.
func expectFormat(t *testing.T, dir string, want uint64) {
	t.Helper()
	f, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, damage := check(t, f); len(damage) > 0 {
		t.Errorf("damage %q", damage)
	}
	got, err := numberOf(f.in, keyFormat, 4)
	if err != nil || got != want {
		t.Errorf("the store has the format %d %v, want %d", got, err, want)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// asJSON returns the exported fields.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// writeGolden writes the store of the newest format.
func writeGolden(t *testing.T, dir string, options func(*Options)) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, options)
	follow(s.Log())
	add(t, s.Log(), 1, 1, "quiet")
	add(t, s.Log(), 2, 2, "storm", "quiet")
	add(t, s.Log(), 3, 150, "storm")
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	add(t, s.Log(), 151, 200, "storm")
	s.Log().tend()
	closed(t, s)
}
