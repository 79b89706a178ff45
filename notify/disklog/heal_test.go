package disklog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
)

// flipTables flips bits in every table, all over it or, with few, in one block at its begin.
func flipTables(t *testing.T, s *Store, few bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.path(), "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d tables, %v", len(files), err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		for bit := int64(100); bit < info.Size()*8; bit += 9973 {
			flip(t, f, bit)
			if few {
				break
			}
		}
	}
}

// large returns messages of 1 KB each.
func large(n int) []*notify.Message {
	batch := make([]*notify.Message, n)
	for i := range batch {
		batch[i] = message(i, "a")
		batch[i].Data = []byte(`"` + strings.Repeat("x", 1000) + `"`)
	}
	return batch
}

// losses counts the losses that a log delivers after the first batch.
type losses struct {
	mu    sync.Mutex
	heads []notify.ID
}

func (c *losses) follow(l *Log) {
	l.Follow(func(b notify.Batch) func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if b.Loss != nil {
			c.heads = append(c.heads, b.Loss.Head)
		}
		return nil
	})
}

func (c *losses) all() []notify.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heads[1:]
}

// Pebble compacts a damaged table again and again, and lets writes wait for it at some point. The
// store gives the table up instead: one new epoch, one log line, and writes go on.
func TestDamageInCompaction(t *testing.T) {
	t.Parallel()
	t.Run("one block", func(t *testing.T) {
		t.Parallel()
		damageInCompaction(t, true)
	})
	t.Run("the whole table", func(t *testing.T) {
		t.Parallel()
		damageInCompaction(t, false)
	})
}

func damageInCompaction(t *testing.T, few bool) {
	dir := t.TempDir()
	core, logs := observer.New(zap.WarnLevel)
	s := open(t, dir, func(o *Options) { o.Log, o.memTable = zap.New(core), 1<<20 })
	l := s.Log()
	var lost losses
	lost.follow(l)
	if err := s.Sessions().Save([]notify.Session{{Key: "pid:1", ClientID: "c"}}, nil); err != nil {
		t.Fatal(err)
	}
	answers := s.KV("answers", kvtest.Wide)
	for i := range 100 { // only the first ones are in the damaged block
		err := answers.Put(t.Context(), fmt.Sprintf("key %03d", i), []byte(strings.Repeat("x", 200)), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Queue("q").Save(nil, []uint64{7}, texts("event"), 2); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), large(200)); err != nil {
		t.Fatal(err)
	}
	former := l.Head()
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	flipTables(t, s, few) // with few only entries, which are at the begin
	_ = s.db.Compact(context.Background(), []byte("a"), []byte("z"), false)
	for i := 0; l.Losses() == 0; i++ {
		if err := l.Append(t.Context(), large(20)); err != nil {
			t.Fatal(err)
		}
	}
	for range 8 { // 2 MB: a flush at least
		if err := l.Append(t.Context(), large(250)); err != nil {
			t.Fatal(err)
		}
	}
	heads := lost.all()
	if len(heads) != 1 || heads[0].Epoch == former.Epoch || heads[0].Seq < former.Seq ||
		l.Losses() != 1 {
		t.Errorf("losses %v, counted %d", heads, l.Losses())
	}
	if n := logs.FilterMessageSnippet("stored data is damaged").Len(); n != 1 {
		t.Errorf("%d log lines say so", n)
	}
	if n := logs.Len(); n > 10 {
		t.Errorf("%d log lines", n)
	}
	if got := s.Sessions().Load(); few && (len(got) != 1 || got[0].ClientID != "c") {
		t.Errorf("sessions %+v", got)
	}
	value, err := answers.Get(t.Context(), "key 099")
	if state := s.Queue("q").state(t); few && (err != nil || len(value) != 200 ||
		state != "[7] [event] 2") {
		t.Errorf("the answer is %q, %v, the queue has %s", value, err, state)
	}
	head, floor := l.Head(), l.floor.Load()
	closed(t, s)
	s = open(t, dir, nil)
	defer closed(t, s)
	if l := s.Log(); l.Head() != head || l.floor.Load() != floor || l.Losses() != 0 {
		t.Errorf("after a restart head %v, want %v, floor %d, want %d", l.Head(), head, l.floor.Load(), floor)
	}
	all, _, err := s.Log().Read([]notify.Span{{Room: "a", After: floor}}, head.Seq, 100, 1<<40)
	if err != nil || len(all) != 100 || all[0].ID.Seq != floor+1 {
		t.Errorf("%d messages, %v", len(all), err)
	}
}

// Every client gets one gap for the damage that a reader finds, also one that is connected.
func TestDamageInRead(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	defer closed(t, s)
	o := notify.DefaultOptions()
	o.HistorySize, o.HistoryMinAge, o.RetainedStore = 1, 0, s.Retained()
	hub := notify.New(s.Log(), o)
	defer hub.Close()
	publish := func(data string, options ...notify.Option) {
		t.Helper()
		n := notify.Notification{Type: "t", Data: json.RawMessage(data)}
		if _, err := hub.Publish(t.Context(), n, notify.ToChannel("a"), options...); err != nil {
			t.Fatal(err)
		}
	}
	attach := func(a notify.Attachment) *notify.Member {
		t.Helper()
		m, err := hub.Attach(a)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Detach)
		return m
	}
	publish("0", notify.Retain())
	begin := notify.ParseCursor(hub.Head().String())
	online := attach(notify.Attachment{ClientID: "online", Rooms: []string{"a"}})
	for i := range 100 {
		publish(fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", 500)))
	}
	pull := func(m *notify.Member) (texts []string) {
		buf := make([]notify.Delivery, 8)
		for more := true; more; {
			var n int
			n, more = m.Pull(buf)
			for _, d := range buf[:n] {
				switch {
				case d.Gap != nil:
					texts = append(texts, "gap "+d.Gap.Reason)
				case d.Message != nil && len(d.Message.Data) < 100:
					texts = append(texts, string(d.Message.Data))
				}
			}
		}
		return texts
	}
	pull(online)
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	epoch := hub.Head().Epoch
	flipTables(t, s, true)
	back := attach(notify.Attachment{ClientID: "back", Rooms: []string{"a"}, Resume: &begin})
	pull(back) // reads the damaged table
	eventually(t, "a new epoch", func() bool { return hub.Head().Epoch != epoch })
	publish("1")
	if got := strings.Join(pull(online), ", "); got != "gap epoch, 1" {
		t.Errorf("the connected client got %q", got)
	}
	late := attach(notify.Attachment{ClientID: "late", Rooms: []string{"a"}, Resume: &begin})
	if got := strings.Join(pull(late), ", "); got != "gap epoch, 1" {
		t.Errorf("the client that reconnects got %q", got)
	}
	if got := shown(hub.Retained(notify.ToChannel("a"))); got != "0 " {
		t.Errorf("retained %s", got)
	}
	if got := s.Retained().Retained(); shown(got) != "0 " {
		t.Errorf("retained on disk %s", shown(got))
	}
}

// A writer that cannot begin again, as Pebble lets it wait, ends the process. The next one moves the
// store aside, and not a second time.
func TestDamageThatCannotBeDropped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ended atomic.Pointer[error]
	s := open(t, dir, func(o *Options) {
		o.healDeadline, o.Fatal = time.Millisecond, func(err error) { ended.Store(&err) }
	})
	l := s.Log()
	follow(l)
	add(t, l, 1, 3, "a")
	l.delivering.Lock() // the writer waits
	l.suspect(errEntry)
	eventually(t, "the process ends", func() bool { return ended.Load() != nil })
	if err := *ended.Load(); !errors.Is(err, errEntry) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("error %v", err)
	}
	epoch := l.Head().Epoch
	l.delivering.Unlock()
	closed(t, s)
	for range 2 {
		s = open(t, dir, nil)
		if l := s.Log(); l.Head().Epoch == epoch {
			t.Error("the same epoch")
		}
		closed(t, s)
	}
	asides, err := filepath.Glob(filepath.Join(dir, "store.damaged-*"))
	if err != nil || len(asides) != 1 {
		t.Errorf("moved aside %v, %v", asides, err)
	}
}

// Of a damaged store that is moved aside, the new one has what can be read: all except the messages of
// one block.
func TestRescue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	l := s.Log()
	follow(l)
	const n = 5000
	batch := make([]*notify.Message, n)
	for i := range batch {
		batch[i] = message(i, "a", "b")
	}
	batch[1].Retain, batch[1].Rooms = true, []string{"a"}
	if err := l.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var sessions []notify.Session
	for i := range 1000 {
		sessions = append(sessions, notify.Session{Key: fmt.Sprintf("pid:%x", i*7919), ClientID: "c"})
	}
	if err := s.Sessions().Save(sessions, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	former := l.Head()
	closed(t, s)
	for i, part := range []float64{0.3, 0.6, 0.9} {
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		tables, err := filepath.Glob(filepath.Join(copied, "store", "*.sst"))
		if err != nil || len(tables) != 1 {
			t.Fatal(tables, err)
		}
		info, err := os.Stat(tables[0])
		if err != nil {
			t.Fatal(err)
		}
		flip(t, tables[0], int64(float64(info.Size()*8)*part))
		logs, err := filepath.Glob(filepath.Join(copied, "store", "*.log"))
		for _, log := range logs { // has the entries, too
			err = errors.Join(err, os.Remove(log))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, "store", flagName), nil, 0o600); err != nil {
			t.Fatal(err) // the last process has found it
		}
		s := open(t, copied, nil)
		first := follow(s.Log())
		if head := s.Log().Head(); head.Epoch == former.Epoch || s.Log().Losses() != 1 {
			t.Errorf("%d: head %v after %v", i, head, former)
		}
		for _, m := range first.Messages {
			if string(m.Data) != fmt.Sprint(m.ID.Seq-1) {
				t.Fatalf("%d: message %v is %s", i, m.ID, m.Data)
			}
		}
		all, _, err := s.Log().Read([]notify.Span{{Room: "b", After: s.Log().floor.Load()}}, n, n, 1<<30)
		got := len(first.Messages) + len(s.Sessions().Load()) + len(s.Retained().Retained())
		if want := n + 1001; got == want && i == 1 || got < want-1000 || err != nil ||
			len(all) < len(first.Messages)-1 {
			t.Errorf("%d: %d of %d are kept, %d in a room, %v", i, got, want, len(all), err)
		}
		closed(t, s)
		if c, damage := check(t, files(t, copied)); len(damage) > 0 || c.Notifications != len(first.Messages) {
			t.Errorf("%d: %+v %q", i, c, damage)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in a minute: %s", what)
		}
	}
}
