package redisstream

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// Whatever a node changes while its hash is read, and however late its messages come, the counts are those
// of the hash at the end.
func TestScanOfChangingHash(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const fields, pages = 12, 4
		node, now := uid(1), time.Time{}
		hash, version := map[string]string{}, uint64(1)
		var messages []change
		change := func() {
			set := map[string]string{}
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				field := fmt.Sprint("u:", rapid.IntRange(0, fields-1).Draw(t, "field"))
				set[field] = fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "count"))
			}
			version++
			for field, text := range set {
				if hash[field] = text; text == "0" {
					delete(hash, field)
				}
			}
			messages = append(messages, change{UID: node, Version: version, Set: set})
		}
		o := newOthers(uid(0))
		deliver := func() {
			if len(messages) > 0 {
				o.heard(messages[0], now)
				messages = messages[1:]
			}
		}
		some := func(f func()) {
			for range rapid.IntRange(0, 3).Draw(t, "times") {
				f()
			}
		}
		some(change)
		o.meet(node, now)
		some(deliver)
		s := &scan{uid: node, version: version, fields: map[string]count{}, isWhole: true}
		if !o.begin(s) {
			t.Fatal("nothing to read")
		}
		for page := range pages {
			some(change)
			for i := page; i < fields; i += pages {
				if text, has := hash[fmt.Sprint("u:", i)]; has {
					s.put(fmt.Sprint("u:", i), text)
				}
			}
			if page == pages-1 {
				break
			}
			some(change)
			some(deliver)
		}
		for upTo := version; s.version < upTo; {
			deliver()
		}
		some(change)
		o.end()
		o.read(s, now)
		some(change)
		for len(messages) > 0 {
			deliver()
		}
		got := map[string]string{}
		for field, c := range o.peers[node].fields {
			got[field] = c.String()
		}
		if p := o.peers[node]; !maps.Equal(got, hash) || p.stale || s.isBroken || p.version != version {
			t.Fatalf("got %v of version %d, want %v of %d", got, p.version, hash, version)
		}
	})
}

// A message that is missing ends a scan, and the hash is read again.
func TestScanWithoutAMessage(t *testing.T) {
	t.Parallel()
	o, now := newOthers(uid(0)), time.Time{}
	o.meet(uid(1), now)
	s := &scan{uid: uid(1), version: 5, fields: map[string]count{}, isWhole: true}
	if !o.begin(s) {
		t.Fatal("nothing to read")
	}
	for version, isBroken := range map[uint64]bool{4: false, 5: false, 7: true} {
		s.isBroken = false
		o.heard(change{UID: uid(1), Version: version}, now)
		if s.isBroken != isBroken || s.version != 5 {
			t.Errorf("message %d: version %d, broken %v", version, s.version, s.isBroken)
		}
	}
	o.end()
	if due := o.due(now.Add(presenceRetry)); len(due) != 1 {
		t.Errorf("due: %v", due)
	}
}

// A hash that a link does not carry in the time of one command is read, while it changes.
func TestPresenceOverASlowLink(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	one := shareOn(t, dial(t, options(s.URLOf("roomcast", "node-password"))), 1)
	const users = 6000
	name := strings.Repeat("n", maxLabel)
	for i := range users { // 1.6 MB
		one.Set(fmt.Sprint("u:", i), 1, name)
	}
	servertest.Eventually(t, "the whole hash", func() bool {
		n, _ := s.Do(t, "HLEN", one.key(one.uid)).(int64)
		return n == users+2
	})
	proxy := chaos.New(t, s.Addr(), 1)
	proxy.Limit(640 << 10)
	slow := options(strings.Replace(s.URLOf("roomcast", "node-password"), s.Addr(), proxy.Addr, 1))
	two := join(t, dial(t, slow), 2).Presence()
	t.Cleanup(two.Close)
	servertest.Eventually(t, "a first page", func() bool {
		two.others.mu.RLock()
		defer two.others.mu.RUnlock()
		return two.others.scan != nil
	})
	for i := range 20 {
		one.Set(fmt.Sprint("u:", 300*i), 0, "")
		one.Set(fmt.Sprint("u:", 300*i+1), 2, "")
		one.Set(fmt.Sprint("c:", i), 1, "")
	}
	servertest.Eventually(t, "the same counts", func() bool {
		one.own.mu.Lock()
		want := maps.Clone(one.own.fields)
		one.own.mu.Unlock()
		two.others.mu.RLock()
		defer two.others.mu.RUnlock()
		p := two.others.peers[one.uid]
		return p != nil && !p.stale && maps.Equal(p.fields, want)
	})
}
