package logtest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// TestSharedSessions tests the contract of notify.SharedSessions. open returns two nodes' stores of
// the same, empty sessions.
func TestSharedSessions(
	t *testing.T, open func(t *testing.T) (one, other notify.SharedSessions),
) {
	for name, test := range map[string]func(t *testing.T, one, other notify.SharedSessions){
		"another node has every field":         sharedWhole,
		"save replaces and removes":            sharedChanges,
		"a tab can have any key":               sharedKeys,
		"each take returns the one before":     sharedTakes,
		"keep returns those that there are":    sharedKeep,
		"sessions expire":                      sharedExpiry,
		"a user's sessions can be refused":     sharedVoid,
		"many sessions, and nothing to save":   sharedMany,
		"a call without time returns an error": sharedTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := open(t)
			test(t, one, other)
		})
	}
}

const sharedTTL = 5 * time.Minute

// position returns the id of an entry of a stream.
func position(n uint64) notify.ID {
	id, _ := notify.StreamID(1764201600000, n)
	return id
}

// held returns a session of a node.
func held(key, node string, term uint64) notify.Session {
	return notify.Session{Key: key, UserID: "u", ClientID: "client-" + node, Namespace: "/",
		Cursor: position(1), Owner: &notify.Owner{Node: node, Term: term}}
}

func saveShared(t *testing.T, s notify.SharedSessions, changed []notify.Session, ended ...string) {
	t.Helper()
	if err := s.Save(t.Context(), changed, ended, sharedTTL); err != nil {
		t.Fatal(err)
	}
}

// expectShared checks what a key has, except for Void.
func expectShared(t *testing.T, s notify.SharedSessions, want notify.Session) {
	t.Helper()
	got, err := s.Load(t.Context(), want.Key)
	got.Void, want.Void = "", ""
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("key %q: %v\n got %+v\nwant %+v", want.Key, err, shown(got), shown(want))
	}
}

// shown shows what the owner's pointer has.
func shown(s notify.Session) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func expectNoSession(t *testing.T, s notify.SharedSessions, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if got, err := s.Load(t.Context(), key); !errors.Is(err, notify.ErrNoSession) {
			t.Errorf("key %q: got %s, %v, want none", key, shown(got), err)
		}
	}
}

func sharedWhole(t *testing.T, one, other notify.SharedSessions) {
	whole := held(notify.PIDKey("p"), "a", 3)
	whole.Namespace, whole.Data = "/n", json.RawMessage(`{"a":[1,"é",null]}`)
	whole.Channels = []string{"/n#x", "/n#y"}
	whole.Granted = []string{"/n#y", "/n#client:of another one", "/n#user:v"}
	least := notify.Session{Key: notify.TabKey("", "t"), ClientID: "c", Namespace: "/",
		Owner: &notify.Owner{Node: "a"}}
	foreign := notify.Session{Key: notify.PIDKey("f"), ClientID: "c", Foreign: true,
		Channels: []string{"x", "/n#y"}, Owner: &notify.Owner{Node: "a", Term: 1}}
	saveShared(t, one, []notify.Session{whole, least, foreign})
	for _, want := range []notify.Session{whole, least, foreign} {
		expectShared(t, other, want)
	}
	for _, data := range []string{`"text"`, `[]`, `7`, `true`} {
		whole.Data = json.RawMessage(data)
		saveShared(t, one, []notify.Session{whole})
		expectShared(t, other, whole)
	}
}

func sharedChanges(t *testing.T, one, other notify.SharedSessions) {
	key := notify.PIDKey
	expectNoSession(t, one, key("a"))
	saveShared(t, one, []notify.Session{held(key("a"), "1", 0), held(key("b"), "1", 0), held(key("c"), "1", 0)})
	saveShared(t, other, []notify.Session{held(key("b"), "2", 1)}, key("a"), "unknown")
	expectNoSession(t, one, key("a"))
	expectShared(t, one, held(key("b"), "2", 1))
	expectShared(t, one, held(key("c"), "1", 0))
	broken := held(key("d"), "1", 0)
	broken.ClientID = "" // is left out, and the others are stored
	saveShared(t, one, []notify.Session{broken, held(key("e"), "1", 0)}, key("c"))
	expectNoSession(t, other, key("c"), key("d"))
	expectShared(t, other, held(key("e"), "1", 0))
}

func sharedKeys(t *testing.T, one, other notify.SharedSessions) {
	var all []notify.Session
	for _, key := range []string{
		"tab:", "tab:u\x00s", "tab:u:s", "tab:\xff", "tab:\xff\xfe", "pid:a", "pid:a/b", "tab:a",
	} {
		all = append(all, held(key, "n"+fmt.Sprint(len(all)), 0))
	}
	saveShared(t, one, all)
	for _, want := range all {
		expectShared(t, other, want)
	}
}

func sharedTakes(t *testing.T, one, other notify.SharedSessions) {
	key := notify.PIDKey("p")
	if _, err := one.Take(t.Context(), held(key, "a", 1), sharedTTL); !errors.Is(err, notify.ErrNoSession) {
		t.Fatalf("took what is not there: %v", err)
	}
	expectNoSession(t, other, key)
	saveShared(t, one, []notify.Session{held(key, "first", 0)})
	const takers = 8
	var mu sync.Mutex
	var running sync.WaitGroup
	before := map[string]string{} // who took it from whom
	for i := range takers {
		running.Go(func() {
			name := fmt.Sprint(i)
			got, err := []notify.SharedSessions{one, other}[i%2].Take(t.Context(), held(key, name, 1), sharedTTL)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.Owner == nil || before[got.Owner.Node] != "" {
				t.Errorf("taker %s got %s, %v", name, shown(got), err)
				return
			}
			before[got.Owner.Node] = name
		})
	}
	running.Wait()
	last, n := "first", 0
	for ; before[last] != ""; n++ {
		last = before[last]
	}
	if n != takers {
		t.Errorf("a chain of %d takers: %v", n, before)
	}
	expectShared(t, one, held(key, last, 1))
}

func sharedKeep(t *testing.T, one, other notify.SharedSessions) {
	a, b := held(notify.PIDKey("a"), "1", 0), held(notify.TabKey("u", "b"), "2", 4)
	saveShared(t, one, []notify.Session{a, b})
	got, err := other.Keep(t.Context(), []string{a.Key, "tab:none", b.Key, notify.PIDKey("none")}, sharedTTL)
	slices.SortFunc(got, func(x, y notify.Session) int { return cmp.Compare(x.Key, y.Key) })
	for i := range got {
		got[i].Void = ""
	}
	if want := []notify.Session{a, b}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := other.Keep(t.Context(), nil, sharedTTL); err != nil || len(got) != 0 {
		t.Errorf("of no keys: %v, %v", got, err)
	}
}

func sharedExpiry(t *testing.T, one, other notify.SharedSessions) {
	short, long := held(notify.PIDKey("short"), "1", 0), held(notify.PIDKey("long"), "1", 0)
	if err := one.Save(t.Context(), []notify.Session{short, long}, nil, time.Second); err != nil {
		t.Fatal(err)
	}
	kept, err := one.Keep(t.Context(), []string{long.Key}, sharedTTL)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := other.Load(t.Context(), short.Key); errors.Is(err, notify.ErrNoSession) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(kept) > 0 { // else the machine took more than a second before Keep
		expectShared(t, other, long)
	}
}

func sharedVoid(t *testing.T, one, other notify.SharedSessions) {
	of := func(key, user string) notify.Session {
		s := held(notify.PIDKey(key), "1", 0)
		s.UserID = user
		return s
	}
	load := func(key string, want error) (got notify.Session) {
		t.Helper()
		got, err := other.Load(t.Context(), notify.PIDKey(key))
		if !errors.Is(err, want) {
			t.Errorf("session %s: %v, want %v", key, err, want)
		}
		return got
	}
	saveShared(t, one, []notify.Session{of("old", "u"), of("changed", "u"), of("other", "v"),
		of("anonymous", "")})
	changed := load("changed", nil)
	for range 2 {
		if err := one.Void(t.Context(), "u", sharedTTL); err != nil {
			t.Fatal(err)
		}
		// It is still the session of before.
		saveShared(t, other, []notify.Session{changed})
		saveShared(t, one, []notify.Session{of("new", "u")})
		for _, key := range []string{"old", "changed"} {
			load(key, notify.ErrVoidSession)
		}
		for _, key := range []string{"new", "other", "anonymous"} {
			load(key, nil)
		}
		changed = load("new", nil)
		changed.Key = notify.PIDKey("changed")
	}
}

func sharedMany(t *testing.T, one, other notify.SharedSessions) {
	var all []notify.Session
	var keys []string
	for i := range 2000 {
		all = append(all, held(notify.PIDKey(fmt.Sprint(i)), "1", 0))
		keys = append(keys, all[i].Key)
	}
	saveShared(t, one, all)
	saveShared(t, one, nil)
	if got, err := other.Keep(t.Context(), keys, sharedTTL); err != nil || len(got) != len(all) {
		t.Errorf("%d sessions, %v", len(got), err)
	}
	saveShared(t, one, nil, keys...)
	if got, err := other.Keep(t.Context(), keys, sharedTTL); err != nil || len(got) != 0 {
		t.Errorf("%d sessions after their end, %v", len(got), err)
	}
}

func sharedTimeout(t *testing.T, one, _ notify.SharedSessions) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Load(ctx, notify.PIDKey("a")); err == nil || errors.Is(err, notify.ErrNoSession) {
		t.Errorf("load: %v", err)
	}
	if err := one.Save(ctx, []notify.Session{held("tab:x", "1", 0)}, nil, sharedTTL); err == nil {
		t.Error("save: no error")
	}
}
