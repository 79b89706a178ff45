package notify

import "sync"

// wakeList has the members to wake after the Hub has released its lock.
type wakeList struct {
	members []wakeUp
	wake    func()
}

type wakeUp struct {
	member   *Member
	audience uint32
}

func (w *wakeList) add(m *Member, audience uint32) {
	w.members = append(w.members, wakeUp{m, audience})
}

func newWakeList(pool *sync.Pool) *wakeList {
	w := &wakeList{}
	w.wake = func() {
		for _, up := range w.members {
			if wake := up.member.a.Wake; wake != nil {
				wake(int(up.audience))
			}
		}
		clear(w.members)
		w.members = w.members[:0]
		pool.Put(w)
	}
	return w
}
