package logtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// TestSessions tests the contract of notify.SessionStore. Each call of open returns a function that
// opens one and the same store, as one process after another does; the first time it is empty.
func TestSessions(t *testing.T, open func(t *testing.T) (next func() notify.SessionStore)) {
	for name, test := range map[string]func(*testing.T, func() notify.SessionStore){
		"the next process has every field":                wholeSessions,
		"save replaces and removes":                       changedSessions,
		"any bytes are a key":                             sessionKeys,
		"many sessions, and a save that changes nothing":  manySessions,
		"what the store returns is that of the last save": lastSessions,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func save(t *testing.T, s notify.SessionStore, changed []notify.Session, ended ...string) {
	t.Helper()
	if err := s.Save(changed, ended); err != nil {
		t.Fatal(err)
	}
}

// expectSessions compares what a store loads, in the order of the keys.
func expectSessions(t *testing.T, s notify.SessionStore, want ...notify.Session) {
	t.Helper()
	got := s.Load()
	slices.SortFunc(got, func(a, b notify.Session) int { return cmp.Compare(a.Key, b.Key) })
	for i := range got {
		if !got[i].Expires.IsZero() {
			got[i].Expires = got[i].Expires.UTC()
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d sessions, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got\n%+v, want\n%+v", got[i], want[i])
		}
	}
}

func wholeSessions(t *testing.T, next func() notify.SessionStore) {
	whole := notify.Session{
		Key: "a", UserID: "u", ClientID: "c", Namespace: "/n", Channels: []string{"/n#x", "/n#y"},
		Granted: []string{"/n#y"}, Cursor: notify.ID{Epoch: 1<<32 - 1, Seq: 1<<64 - 1},
		Expires: time.UnixMilli(1_800_000_000_123).UTC(), Data: json.RawMessage(`{"a":[1,"é"]}`),
		Address: netip.MustParseAddr("2001:db8::"),
	}
	least := notify.Session{Key: "b", ClientID: "d", Namespace: "/"} // attached, without data
	save(t, next(), []notify.Session{whole, least})
	expectSessions(t, next(), whole, least)
}

func changedSessions(t *testing.T, next func() notify.SessionStore) {
	of := func(key, client string) notify.Session {
		return notify.Session{Key: key, ClientID: client, Namespace: "/"}
	}
	s := next()
	save(t, s, []notify.Session{of("a", "1"), of("b", "1"), of("c", "1")})
	save(t, s, []notify.Session{of("b", "2")}, "a", "unknown")
	expectSessions(t, next(), of("b", "2"), of("c", "1"))
	save(t, next(), nil, "b", "c")
	expectSessions(t, next())
}

func sessionKeys(t *testing.T, next func() notify.SessionStore) {
	keys := []string{"", "\x00", "a", "a/", "a/b", "s/a", "tab:u\x00s", "\xff", "\xff\xff"}
	for range 2 { // the keys of the next ones begin with those before
		keys = append(keys, keys[len(keys)-1]+strings.Repeat("k", 200))
	}
	slices.Sort(keys)
	var all []notify.Session
	for _, key := range keys {
		all = append(all, notify.Session{Key: key, ClientID: "c", Namespace: "/"})
	}
	save(t, next(), all)
	expectSessions(t, next(), all...)
	save(t, next(), nil, "a")
	expectSessions(t, next(), slices.DeleteFunc(all, func(s notify.Session) bool { return s.Key == "a" })...)
}

func manySessions(t *testing.T, next func() notify.SessionStore) {
	var all []notify.Session
	for i := range 2000 {
		all = append(all, notify.Session{Key: fmt.Sprintf("%05d", i), ClientID: "c", Namespace: "/"})
	}
	save(t, next(), all)
	save(t, next(), nil)
	expectSessions(t, next(), all...)
}

func lastSessions(t *testing.T, next func() notify.SessionStore) {
	for i := range 3 {
		of := notify.Session{Key: "k", ClientID: fmt.Sprint(i), Namespace: "/",
			Cursor: notify.ID{Epoch: 1, Seq: uint64(i)}}
		save(t, next(), []notify.Session{of})
		expectSessions(t, next(), of)
	}
}
