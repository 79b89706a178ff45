package peers

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

func change(id string) *nodewire.Entry {
	return &nodewire.Entry{Type: nodewire.TypeDisconnect, UID: other, Namespace: "/", RequestID: id}
}

// A change that a server is asked for in two ways is made once, whichever comes first, and also if the
// entry is in the stream twice. If the other way fails, the entry counts.
func TestChangesAreMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(2)
		l := local{changed: make(chan *nodewire.Entry, 2*maxWaiting)}
		p := serve(t, w, l, own)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(l.changed) > 0 {
				got = append(got, (<-l.changed).RequestID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("changes %q, want %q", got, want)
			}
		}
		read := func(ids ...string) {
			for _, id := range ids {
				w.read(change(id))
			}
		}
		read("", "")
		expect("", "") // of Node servers
		p.Made("asked first")
		read("asked first", "asked first", "asked later", "asked later", "not asked", "not asked")
		p.Made("asked later")
		time.Sleep(changeWait - time.Millisecond)
		expect()
		read("asked later")
		time.Sleep(time.Millisecond)
		expect("not asked")
		time.Sleep(changeWait)
		expect()

		for i := range maxWaiting {
			read(fmt.Sprint(i))
		}
		expect()
		read("too many")
		expect("too many")
		p.Made("0")
		read("fits")
		expect()
		p.Close()
		read("after the end")
		time.Sleep(changeWait)
		expect()
		for i := range 2 * maxMade {
			p.Made(fmt.Sprint(i))
		}
		if len(p.changes.made) != maxMade || len(p.changes.order) != maxMade {
			t.Errorf("%d changes are known", len(p.changes.made))
		}
	})
}
