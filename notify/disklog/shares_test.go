package disklog

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// shareModel is a list of everything that was stored, which says what a store must have.
type shareModel struct {
	t   *rapid.T
	fs  *vfs.MemFS
	max int64
	s   *Store
	all []*notify.Message
}

func (m *shareModel) open() {
	o := DefaultOptions("/data")
	o.fs, o.MaxBytes, o.TailBytes = m.fs, m.max, 2000
	o.Fatal = func(err error) { m.t.Fatalf("fatal: %v", err) }
	s, err := Open(o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
	first := follow(s.Log())
	if n := s.Log().Losses(); n > 0 {
		m.t.Fatalf("%d losses", n)
	}
	// The first batch has everything after its begin.
	for i, want := range m.all[m.at(first.Loss.Head.Seq+1):] {
		if i >= len(first.Messages) || first.Messages[i].ID != want.ID {
			m.t.Fatalf("the first batch after %v lacks %v", first.Loss.Head, want.ID)
		}
	}
}

func (m *shareModel) close() {
	if err := m.s.Close(); err != nil {
		m.t.Fatal(err)
	}
}

// at returns the place of the first message from a sequence number on.
func (m *shareModel) at(seq uint64) int {
	i, _ := slices.BinarySearchFunc(m.all, seq, func(of *notify.Message, seq uint64) int {
		return int(of.ID.Seq) - int(seq)
	})
	return i
}

// settle lets the log drop what it has to.
func (m *shareModel) settle() {
	for n := 0; m.s.Log().Size() > m.max; n++ {
		if m.s.Log().tend(); n > 100_000 {
			m.t.Fatalf("%d bytes are kept, want at most %d", m.s.Log().Size(), m.max)
		}
	}
}

// check compares everything in the store with the list.
func (m *shareModel) check() {
	m.settle()
	l := m.s.Log()
	l.making.Lock()
	defer l.making.Unlock()
	held := func(of *notify.Message) (rooms []string) {
		for _, room := range of.Rooms {
			if of.ID.Seq > l.Floor(room) {
				rooms = append(rooms, room)
			}
		}
		return rooms
	}
	var want []string
	for _, of := range m.all {
		for _, room := range held(of) {
			want = append(want, string(roomKey(room, of.ID.Seq)))
		}
		if len(held(of)) > 0 {
			want = append(want, string(logKey(of.ID.Seq)))
		}
	}
	for room, floor := range l.floors.all() {
		if floor <= l.floor.Load() {
			m.t.Fatalf("the floor %d of %s is not above that of all, %d", floor, room, l.floor.Load())
		}
		want = append(want, string(floorKey(room)))
	}
	for i := range l.chunks.full {
		want = append(want, string(chunkKey(l.chunks.full[i].last)),
			string(noteKey(l.chunks.full[i].last)))
	}
	slices.Sort(want)
	if got := m.keys(); !slices.Equal(got, want) {
		m.t.Fatalf("the store has the keys\n%q, want\n%q", got, want)
	}
	m.checkChunks(held)
}

// keys returns the keys of messages, chunks and floors.
func (m *shareModel) keys() (keys []string) {
	for _, prefix := range []string{logPrefix, roomPrefix, chunkPrefix, notePrefix, floorPrefix} {
		err := scan(m.s.db, []byte(prefix), successor(prefix), func(key, _ []byte) error {
			keys = append(keys, string(bytes.Clone(key)))
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
	slices.Sort(keys)
	return keys
}

// checkChunks compares what is counted with the list.
func (m *shareModel) checkChunks(held func(*notify.Message) []string) {
	l := m.s.Log()
	c, begin, sum := &l.chunks, l.floor.Load(), int64(0)
	noted, has := map[string]int64{}, map[string]int64{}
	count := func(last uint64) (total int64, rooms map[string]int64) {
		rooms = map[string]int64{}
		for _, of := range m.all[m.at(begin+1):m.at(last+1)] {
			in := held(of)
			for _, room := range in {
				part := int64(size(of)) / int64(len(of.Rooms))
				rooms[room] += part
				has[room] += part
			}
			if len(in) > 0 {
				total += int64(size(of))
			}
		}
		return total, rooms
	}
	for i := range c.full {
		of := &c.full[i]
		bytes, rooms := count(of.last)
		if of.bytes != bytes || of.changed {
			m.t.Fatalf("the chunk up to %d has %d bytes, want %d", of.last, of.bytes, bytes)
		}
		for _, n := range of.notes {
			if rooms[n.of.Of] != n.bytes || c.shares.noted[n.of.Of] != n.of {
				m.t.Fatalf("the chunk up to %d notes %d bytes of %s, want %d", of.last, n.bytes,
					n.of.Of, rooms[n.of.Of])
			}
			noted[n.of.Of] += n.bytes
			delete(rooms, n.of.Of)
		}
		for room, part := range rooms {
			if part > of.counted/notedPart || of.counted > 2*of.bytes+1 {
				m.t.Fatalf("the chunk up to %d does not note %d bytes of %s: it has %d, counted %d",
					of.last, part, room, of.bytes, of.counted)
			}
		}
		begin, sum = of.last, sum+bytes
	}
	grows, _ := count(l.head.Load())
	if c.grows.bytes != grows || c.bytes != sum+grows {
		m.t.Fatalf("%d bytes of %d grow, want %d of %d", c.grows.bytes, c.bytes, grows, sum+grows)
	}
	for _, h := range c.shares.noted {
		if h.Bytes != noted[h.Of] || slices.Contains(c.shares.Heavy(), h) != (h.Bytes > c.shares.Limit) {
			m.t.Fatalf("%d bytes are noted for %s, want %d", h.Bytes, h.Of, noted[h.Of])
		}
		delete(noted, h.Of)
	}
	if len(noted) > 0 {
		m.t.Fatalf("nothing is noted for %v", noted)
	}
	const largest = 1200 // a step drops the entries of about a chunk, or a single larger one
	for room := range l.floors.all() {
		if has[room] < c.shares.Limit-4*c.limit-largest {
			m.t.Fatalf("%s was cut to %d bytes, its share is %d", room, has[room], c.shares.Limit)
		}
	}
}

// Whatever is published, and whenever the process ends, the store has what the floors say, in all
// rooms that need it, and the counts of the chunks are exact.
func TestShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &shareModel{t: t, fs: vfs.NewCrashableMem(),
			max: rapid.SampledFrom([]int64{8 << 10, 64 << 10, 512 << 10}).Draw(t, "max")}
		m.open()
		defer func() { m.close() }()
		room := rapid.SampledFrom([]string{"a", "a", "a", "b", "b", "c", "quiet"})
		cut := 0
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				rooms := rapid.SliceOfNDistinct(room, 1, 3, rapid.ID).Draw(t, "rooms")
				data := []byte(strings.Repeat("1", rapid.SampledFrom([]int{1, 50, 1000}).Draw(t, "size")))
				var batch []*notify.Message
				for i := range rapid.SampledFrom([]int{1, 5, 300}).Draw(t, "messages") {
					m := &notify.Message{Namespace: "/", Rooms: rooms, Type: "t", Data: data}
					if i%50 == 49 { // a small part of a chunk
						m.Rooms, m.Data = []string{"seldom"}, []byte("1")
					}
					batch = append(batch, m)
				}
				if err := m.s.Log().Append(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				m.all = append(m.all, batch...)
			},
			"restart": func(*rapid.T) {
				before := m.counts()
				m.close()
				m.open()
				if after := m.counts(); after != before {
					t.Fatalf("after a restart\n%s, want\n%s", after, before)
				}
			},
			"crash": func(*rapid.T) {
				after := m.fs.CrashClone(vfs.CrashCloneCfg{})
				m.close()
				m.fs = after
				m.open()
			},
			"": func(*rapid.T) {
				m.check()
				cut = max(cut, len(m.s.Log().floors.all()))
			},
		})
		if cut > 8 {
			t.Errorf("%d rooms have floors", cut)
		}
	})
}

// counts shows the floors and chunks.
func (m *shareModel) counts() string {
	m.settle()
	l := m.s.Log()
	l.making.Lock()
	defer l.making.Unlock()
	var b strings.Builder
	all := l.floors.all()
	for _, room := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintln(&b, room, all[room])
	}
	for _, of := range l.chunks.full {
		fmt.Fprint(&b, of.last, of.bytes, of.counted, of.newest.UnixMilli())
		for _, n := range of.notes {
			fmt.Fprint(&b, " ", n.of.Of, n.bytes)
		}
		fmt.Fprintln(&b)
	}
	grows := l.chunks.grows
	fmt.Fprintln(&b, l.floor.Load(), l.chunks.bytes, grows.last, grows.bytes, l.chunks.rooms)
	return b.String()
}
