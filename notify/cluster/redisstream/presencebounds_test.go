package redisstream

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// take returns all changes.
func (o *own) takeAll(t testing.TB) (messages []map[string]string) {
	t.Helper()
	for more := true; more; {
		var changes map[string]string
		changes, more = o.take()
		bytes := 0
		for field, value := range changes {
			bytes += len(field) + len(value)
		}
		if len(changes) > changeStep || bytes > changeBytes+maxField+maxLabel {
			t.Fatalf("a message has %d changes, %d bytes", len(changes), bytes)
		}
		messages = append(messages, changes)
	}
	return messages
}

// A node shares a bounded number of fields, and has place again when some are gone.
func TestOwnPresenceIsBounded(t *testing.T) {
	t.Parallel()
	o := newOwn()
	for i := range maxFields {
		if !o.set(fmt.Sprint("u:", i), 1, "") {
			t.Fatalf("field %d is left out", i)
		}
	}
	if o.set("u:more", 1, "") || !o.set("u:0", 2, "") {
		t.Error("the limit is another one")
	}
	o.set("u:1", 0, "")
	if !o.set("u:more", 1, "") {
		t.Error("no place after a field has gone")
	}
	n := 0
	for _, changes := range o.takeAll(t) {
		n += len(changes)
	}
	if n != maxFields+1 {
		t.Errorf("%d changes", n)
	}
	for i := range maxFields {
		o.set(fmt.Sprint("u:", i), 0, "")
	}
	o.set("u:more", 0, "")
	if o.bytes != 0 || len(o.fields) != 0 {
		t.Errorf("%d bytes of %d fields are left", o.bytes, len(o.fields))
	}
	for _, field := range []string{"", "u", "uu:", "u" + strings.Repeat(":", maxField)} {
		if o.set(field, 1, "") {
			t.Errorf("%.10q is a field", field)
		}
	}
}

// Bytes are charged for what the counts of other nodes take, with names and without.
func TestOtherPresenceHeap(t *testing.T) {
	for name, label := range map[string]string{"short": "", "long": strings.Repeat("n", maxLabel)} {
		t.Run(name, func(t *testing.T) {
			const fields = 100_000
			before := servertest.Heap()
			o := newOthers(uid(0))
			for i := range fields {
				hash := map[string]string{versionField: "1"}
				hash[fmt.Sprintf("u:%06d", i)] = strings.TrimSpace("1 " + label)
				o.heardAll(uid(i%10), hash)
			}
			took, charged := servertest.Heap()-before, int64(o.bytes)
			t.Logf("charged %d, took %d bytes", charged, took)
			if took > charged*3/2 {
				t.Errorf("charged %d, took %d bytes", charged, took)
			}
			if o.fields != fields {
				t.Errorf("%d fields", o.fields)
			}
		})
	}
}

// heardAll applies a message with the next version of a node.
func (o *others) heardAll(uid string, set map[string]string) {
	p := o.peers[uid]
	if p == nil {
		p = o.meet(uid, time.Time{})
		p.version = 1
	}
	o.heard(change{UID: uid, Version: p.version + 1, Set: set}, time.Time{})
}

// FuzzPresence gives a node messages and a hash that no node has written. Afterwards the sums are
// those of the peers, and dropping these leaves nothing.
func FuzzPresence(f *testing.F) {
	f.Add(`{"uid":"7263000000000001","version":2,"set":{"u:a":"3 Ada","c:b":"0"}}`, "u:a", "2")
	f.Add(`{"uid":"7263000000000001","gone":true}`, "version", "18446744073709551615")
	f.Add(`{"uid":"7263000000000001","version":9,"set":{"u:a":"01"}}`, "whole", "1")
	f.Fuzz(func(t *testing.T, payload, field, value string) {
		o := newOthers(uid(0))
		o.heardAll(uid(1), map[string]string{"u:a": "1 x", field: value})
		now := time.Time{}
		if c, err := parseChange(payload); err == nil {
			o.heard(c, now)
		}
		read := &scan{uid: uid(1), version: 6, fields: map[string]count{}, isWhole: true}
		read.put(field, value)
		if o.begin(read) {
			o.heard(change{UID: uid(1), Version: 7, Set: map[string]string{field: value}}, now)
			o.read(read, now)
		}
		o.end()
		sums := map[string]count{}
		for _, p := range o.peers {
			for field, c := range p.fields {
				sums[field] = count{n: sums[field].n + c.n}
			}
		}
		got := maps.Clone(o.sums)
		for field, sum := range got {
			got[field] = count{n: sum.n}
		}
		if !maps.Equal(got, sums) {
			t.Fatalf("sums %v, want %v", got, sums)
		}
		for uid := range o.peers {
			o.drop(uid)
		}
		if o.bytes != 0 || o.fields != 0 || len(o.sums) != 0 {
			t.Fatalf("left behind: %d bytes, %d fields, %v", o.bytes, o.fields, o.sums)
		}
	})
}

// A message that is larger than any of a node is passed over, so that those that wait have a bound.
func TestLargePresenceMessage(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	p := join(t, c, 1).Presence()
	t.Cleanup(p.Close)
	servertest.Receive(t, p.Ready())
	text := `{"uid":"` + uid(2) + `","version":1}`
	s.Do(t, "PUBLISH", c.channel(presenceChannel), text+strings.Repeat(" ", maxChange))
	s.Do(t, "PUBLISH", c.channel(presenceChannel), `{"uid":"`+uid(3)+`","version":1}`)
	knows := func(uid string) bool {
		p.others.mu.Lock()
		defer p.others.mu.Unlock()
		return p.others.peers[uid] != nil
	}
	servertest.Eventually(t, "the message after it", func() bool { return knows(uid(3)) })
	if knows(uid(2)) {
		t.Error("a message without a bound is read")
	}
}
