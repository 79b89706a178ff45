package sockets

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// conn is a connection with a number.
type conn struct {
	Place[*conn]
	number int
}

// Writers write once to each connection that was added, and end.
func TestWriters(t *testing.T) {
	t.Parallel()
	const n = 10_000
	var mu sync.Mutex
	seen, most, running := make([]int, n), 0, 0
	all := make(chan struct{})
	left := n
	var w *Writers[*conn]
	w = NewWriters[*conn](func() {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		var turn Turn[*conn]
		for batch := w.Next(&turn); len(batch) > 0; batch = w.Next(&turn) {
			mu.Lock()
			for _, c := range batch {
				seen[c.number]++
				if left--; left == 0 {
					close(all)
				}
			}
			mu.Unlock()
		}
		mu.Lock()
		running--
		mu.Unlock()
	})
	conns := make([]conn, n)
	for i := range conns {
		conns[i].number = i
		w.Add(&conns[i], &conns[i].Place, i)
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Fatal("not everything was written")
	}
	mu.Lock()
	defer mu.Unlock()
	for i, times := range seen {
		if times != 1 {
			t.Fatalf("%d was written %d times", i, times)
		}
	}
	if limit := runtime.GOMAXPROCS(0); most > limit {
		t.Errorf("%d goroutines at once, want at most %d", most, limit)
	}
}

// still returns Writers without goroutines: the test takes the connections.
func still() *Writers[*conn] {
	w := NewWriters[*conn](func() {})
	w.max = 0
	w.running = 1
	return w
}

// taken returns the numbers of all connections in the order in which one writer takes them.
func taken(w *Writers[*conn]) (numbers []int) {
	var turn Turn[*conn]
	for batch := w.Next(&turn); len(batch) > 0; batch = w.Next(&turn) {
		for _, c := range batch {
			numbers = append(numbers, c.number)
		}
	}
	w.running++
	return numbers
}

// A connection with a message for few does not wait behind thousands with a message for all, which
// still get their share: the writer begins two of four turns with others.
func TestSmallAudiencesDoNotWaitBehindLargeOnes(t *testing.T) {
	t.Parallel()
	w := still()
	add := func(first, n, audience int) {
		for i := range n {
			c := &conn{number: first + i}
			w.Add(c, &c.Place, audience)
		}
	}
	add(30_000, 1000, 20_000)
	add(20_000, 100, 1000)
	add(10_000, 100, 50)
	numbers := taken(w)
	if len(numbers) != 1200 {
		t.Fatalf("%d were taken, want 1,200", len(numbers))
	}
	// The turns begin with the lanes 2, 1, 3 and 1.
	for turn, first := range []int{20_000, 10_000, 30_000, 10_016} {
		for i := range takeAtOnce {
			if got := numbers[turn*takeAtOnce+i]; got != first+i {
				t.Fatalf("number %d of turn %d is %d, want %d", i, turn, got, first+i)
			}
		}
	}
	small := slices.Index(numbers, 10_099)
	if large := slices.Index(numbers, 30_999); small > 4*100 || large != 1199 {
		t.Errorf("the last with a message for 50 is number %d, that with one for 20,000 %d", small, large)
	}
}

// A connection that waits with a message for thousands advances when one for few follows. It does
// so after the present write, if a writer has it. With more than it may write at once it waits in
// the last lane.
func TestConnectionsAdvance(t *testing.T) {
	t.Parallel()
	w := still()
	many := make([]conn, 200)
	for i := range many {
		many[i].number = i
		w.Add(&many[i], &many[i].Place, 20_000)
	}
	last := &many[199]
	if last.Advances(20_000) || !last.Advances(3) {
		t.Error("Advances does not compare audiences")
	}
	w.Advance(&last.Place, 3)
	if last.Advances(3) {
		t.Error("Advances is true after Advance")
	}
	var turn Turn[*conn]
	if first := w.Next(&turn)[0]; first != last {
		t.Fatalf("the first is %d, want 199", first.number)
	}
	w.Advance(&last.Place, 3) // during its write
	w.Again(last, &last.Place)
	w.Again(&many[0], &many[0].Place)
	if numbers := taken(w); numbers[0] != 199 || numbers[len(numbers)-1] != 0 || len(numbers) != 186 {
		t.Errorf("the writer took %d", numbers)
	}
}

// However connections come, advance and come again, a writer gets each as often as it was added, and
// those of one audience in their order.
func TestWritersProperty(t *testing.T) {
	t.Parallel()
	audiences := []int{1, 64, 65, 1024, 1025, 1 << 40}
	rapid.Check(t, func(t *rapid.T) {
		w := still()
		conns := make([]conn, 60)
		waiting := map[*conn]int32{} // to the lane
		var turn Turn[*conn]
		var lanesOf [lanes + 1][]*conn
		drop := func(c *conn) {
			l := &lanesOf[waiting[c]]
			*l = slices.DeleteFunc(*l, func(d *conn) bool { return d == c })
			delete(waiting, c)
		}
		put := func(c *conn, lane int32) {
			waiting[c] = lane
			lanesOf[lane] = append(lanesOf[lane], c)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				c := &conns[rapid.IntRange(0, len(conns)-1).Draw(t, "conn")]
				audience := rapid.SampledFrom(audiences).Draw(t, "audience")
				switch lane, waits := waiting[c]; {
				case !waits:
					w.Add(c, &c.Place, audience)
					put(c, laneOf(audience))
				case laneOf(audience) < lane:
					w.Advance(&c.Place, audience)
					drop(c)
					put(c, laneOf(audience))
				default:
					w.Advance(&c.Place, audience)
				}
			},
			"take": func(t *rapid.T) {
				count := len(waiting)
				batch := w.Next(&turn)
				if len(batch) != min(count, takeAtOnce) {
					t.Fatalf("took %d of %d", len(batch), count)
				}
				if count == 0 {
					w.running++
				}
				for _, c := range batch {
					lane, waits := waiting[c]
					if !waits || lanesOf[lane][0] != c {
						t.Fatalf("%p waits: %v, or it is not the first of lane %d", c, waits, lane)
					}
					drop(c)
				}
			},
		})
	})
}
