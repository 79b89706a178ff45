package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// ids returns the ids of all messages, with the data.
func (r *reader) ids() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		all = append(all, m.ID.String()+" "+string(m.Data))
	}
	return all
}

// All nodes deliver the same messages in the same order (R11).
func TestOneOrder(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{2, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel()
			_, c := start(t)
			const writers = 4
			each := servertest.Soaked(250)
			logs := make([]*Log, nodes)
			readers := make([]*reader, nodes)
			for i := range logs {
				logs[i] = openLog(t, c, func(o *LogOptions) { o.MaxLen = 10 * nodes * writers * each })
				readers[i] = readFrom(t, logs[i])
			}
			var wg sync.WaitGroup
			for n, l := range logs {
				for w := range writers {
					wg.Go(func() {
						for i := range each {
							m := message(fmt.Sprint(n, " ", w, " ", i))
							if err := l.Append(t.Context(), []*notify.Message{m}); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
			}
			wg.Wait()
			total := nodes * writers * each
			for _, r := range readers {
				servertest.Eventually(t, "all messages", func() bool { return len(r.ids()) >= total })
			}
			want := readers[0].ids()
			for i, r := range readers {
				if got := r.ids(); !slices.Equal(got, want) || len(got) != total {
					t.Errorf("node %d has %d messages in another order than node 0, which has %d of %d", i,
						len(got), len(want), total)
				}
				if lost := r.lost(); lost != nil || logs[i].Skipped() != 0 {
					t.Errorf("node %d has losses %v and skipped %d", i, lost, logs[i].Skipped())
				}
			}
			rising(t, readers[0])
		})
	}
}

// rising checks that the ids rise, and that the messages of one writer are in their order.
func rising(t *testing.T, r *reader) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	next := map[string]int{}
	for i, m := range r.messages {
		if i > 0 && m.ID.Seq <= r.messages[i-1].ID.Seq {
			t.Fatalf("id %v after %v", m.ID, r.messages[i-1].ID)
		}
		var node, writer, number int
		if _, err := fmt.Sscanf(string(m.Data), `"%d %d %d"`, &node, &writer, &number); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(node, writer)
		if number != next[key] {
			t.Fatalf("message %d of writer %s, want %d", number, key, next[key])
		}
		next[key]++
	}
}

// A message that Node's clients cannot get is refused, and the others of the call with it.
func TestRefusedMessage(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	bad := message("bad")
	bad.Rooms = []string{"/other#r"}
	var refused *notify.ValidationError
	err := l.Append(t.Context(), []*notify.Message{message("good"), bad})
	if !errors.As(err, &refused) || refused.Field != "rooms" {
		t.Errorf("error %v", err)
	}
	add(t, l, "after")
	if got := r.texts(); !slices.Equal(got, []string{`"after"`}) {
		t.Errorf("got %s", got)
	}
}

// A caller does not wait long for a node that is slow to deliver, because the message is stored. The
// follower gets it once.
func TestDeliveryIsLate(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	l, err := OpenLog(c, DefaultLogOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	servertest.Receive(t, l.known)
	gate, got := make(chan struct{}), make(chan *notify.Message, 2)
	l.Follow(func(b notify.Batch) func() {
		if len(b.Messages) > 0 {
			<-gate
		}
		for _, m := range b.Messages {
			got <- m
		}
		return nil
	})
	servertest.Receive(t, l.Ready())
	late, next := message("late"), message("next")
	for _, m := range []*notify.Message{late, next} {
		if err := l.Append(t.Context(), []*notify.Message{m}); err != nil || m.ID.IsZero() {
			t.Errorf("id %v, error %v", m.ID, err)
		}
	}
	if next.ID.Seq <= late.ID.Seq || !l.Head().IsZero() && l.Head().Seq >= late.ID.Seq {
		t.Errorf("ids %v and %v, head %v", late.ID, next.ID, l.Head())
	}
	close(gate)
	for _, want := range []*notify.Message{late, next} {
		if m := servertest.Receive(t, got); m.ID != want.ID || string(m.Data) != string(want.Data) {
			t.Errorf("got %v %s, want %v %s", m.ID, m.Data, want.ID, want.Data)
		}
	}
}
