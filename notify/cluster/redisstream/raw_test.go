package redisstream

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// writeEntries returns the reply of XREAD with entries.
func writeEntries(stream string, entries []entry) []byte {
	text := appendRaw([]byte("*1\r\n*2\r\n"), stream)
	text = fmt.Appendf(text, "*%d\r\n", len(entries))
	for i := range entries {
		e := &entries[i]
		n := 0
		for r := (rawReply{e.raw}); len(r.rest) > 0; n++ {
			r.text()
		}
		text = appendRaw(append(text, "*2\r\n"...), e.id.String())
		text = append(fmt.Appendf(text, "*%d\r\n", n), e.raw...)
	}
	return text
}

// A page is the same whether go-redis reads it or the tail does: its hashes are compared.
func TestRawPage(t *testing.T) {
	t.Parallel()
	names := []string{"uid", "nsp", "type", "data", "rc", "", "\r\n", "$1\r\na\r\n"}
	texts := rapid.OneOf(rapid.SampledFrom(names), rapid.StringN(0, 20, 2000))
	rapid.Check(t, func(t *rapid.T) {
		list := make([]any, rapid.IntRange(0, 5).Draw(t, "entries"))
		for i := range list {
			var fields []any
			for range 2 * rapid.IntRange(0, 6).Draw(t, "fields") {
				fields = append(fields, texts.Draw(t, "text"))
			}
			id := streamID{rapid.Uint64().Draw(t, "ms"), rapid.Uint64().Draw(t, "n")}
			list[i] = []any{id.String(), fields}
		}
		want, err := readEntries(list)
		if err != nil {
			t.Fatal(err)
		}
		reply := rawReply{writeEntries("socket.io", want)}
		got, err := reply.page()
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d entries, want %d, %v", len(got), len(want), err)
		}
		for i := range got {
			g, w := got[i], want[i]
			var f nodewire.Fields
			fields := list[i].([]any)[1].([]any)
			for j := 0; j < len(fields); j += 2 {
				f.Set(fields[j].(string), fields[j+1].(string))
			}
			if g.id != w.id || g.hash != w.hash || g.size != w.size || !bytes.Equal(g.raw, w.raw) ||
				g.fields() != f || string(g.uid) != f.UID || string(g.rc) != f.RC {
				t.Fatalf("entry %d: %v, want %v", i, g, w)
			}
		}
	})
}

// What is not a reply of XREAD is refused. Fields have one form on the wire, so a hash of it is theirs.
func FuzzRawPage(f *testing.F) {
	e := entry{id: streamID{1795966207981, 7}, raw: appendRaw(appendRaw(nil, "rc"), "\r\n")}
	whole := writeEntries("s", []entry{e, e})
	for i := range whole {
		f.Add(whole[:i])
	}
	f.Add(whole)
	for _, text := range []string{nothingNew, "*0\r\n", "*1\r\n*2\r\n$1\r\ns\r\n*99999999\r\n", "-ERR x\r\n",
		"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\na\r\n",
		"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$01\r\na\r\n$1\r\nb\r\n",
		"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$9223372036854775807\r\na\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := rawReply{text}
		entries, err := r.page()
		if err != nil {
			return
		}
		for _, e := range entries {
			var again []byte
			for r := (rawReply{e.raw}); len(r.rest) > 0; {
				again = appendRaw(again, string(r.text()))
			}
			if !bytes.Equal(again, e.raw) {
				t.Errorf("%q is written as %q", e.raw, again)
			}
		}
	})
}

// A reply comes in pieces, an error is one of redis, and a large memory is not kept.
func TestRawReply(t *testing.T) {
	t.Parallel()
	var r rawReply
	_, _ = r.Write([]byte("-MOVED 1 "))
	if n, err := r.ReadFrom(strings.NewReader("host:1\r\n")); n != 8 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	err := r.err()
	if addr, ok := redis.IsMovedError(err); !ok || addr != "host:1" || !isReply(err) {
		t.Errorf("error %v", err)
	}
	if r.reset(make([]byte, 5, keptReply)); cap(r.rest) != keptReply || len(r.rest) != 0 || r.err() != nil {
		t.Errorf("%d bytes of %d", len(r.rest), cap(r.rest))
	}
	if r.reset(make([]byte, 5, keptReply+1)); cap(r.rest) != 0 {
		t.Errorf("%d bytes are kept", cap(r.rest))
	}
}

// A key that is no stream is an error of the server, and no broken connection.
func TestReadOfAnotherKey(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := unread(c)
	s.Do(t, "SET", "socket.io", "x")
	err := l.readNew(t.Context())
	if err == nil || !isReply(err) || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Errorf("error %v", err)
	}
}
