package disklog

import (
	"encoding/json"
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

// P09: this version reads the store that an earlier one has written. There is one directory for each
// format; ROOMCAST_WRITE_GOLDEN=1 writes that of a new format.
func TestGolden(t *testing.T) {
	t.Parallel()
	source := filepath.Join("testdata", "format-1")
	fixed := func(o *Options) { o.Now = func() time.Time { return goldenTime } }
	if os.Getenv("ROOMCAST_WRITE_GOLDEN") != "" {
		writeGolden(t, source, fixed)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, fixed)
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
	if _, damage := check(t, files(t, dir)); len(damage) > 0 {
		t.Errorf("damage %q", damage)
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

func writeGolden(t *testing.T, dir string, fixed func(*Options)) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, fixed)
	follow(s.Log())
	all := golden()
	if err := s.Log().Append(t.Context(), all[:3]); err != nil {
		t.Fatal(err)
	}
	if err := s.Sessions().Save([]notify.Session{goldenSession}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Log().Append(t.Context(), all[3:]); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
}
