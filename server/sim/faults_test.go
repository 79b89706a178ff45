package sim

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// faults returns what can happen with the settings of the world.
func (w *world) faults() []func() {
	all := []func(){w.cut, w.cut, w.stall, w.refuse, w.delay, w.restart, w.kill}
	if w.settings.disk {
		all = append(all, w.kill, w.powerCut, w.powerCut, w.fill, w.failWrite, w.slowDisk)
	}
	return all
}

func (w *world) cut() {
	share := w.random.Float64() * 1.5
	w.note("cut connections with probability %.2f", share)
	w.network.cutSome(share)
}

func (w *world) stall() {
	w.note("the network stalls")
	w.network.change(func() { w.network.stalled = true })
	if w.random.IntN(6) == 0 {
		w.sleep(2 * time.Minute) // beyond the deadlines of writes and pings
	} else {
		w.sleep(5 * time.Second)
	}
	if w.random.IntN(2) == 0 {
		w.cut()
	}
	w.note("the network goes on")
	w.network.change(func() { w.network.stalled = false })
}

func (w *world) refuse() {
	w.note("connections are cut and refused")
	w.network.change(func() { w.network.refuse = true })
	w.network.cutSome(1)
	w.sleep(10 * time.Second)
	w.network.change(func() { w.network.refuse = false })
}

func (w *world) delay() {
	delay := time.Duration(w.random.IntN(50)) * time.Millisecond
	w.note("the network delays up to %v", delay)
	w.network.change(func() { w.network.delay = delay })
}

func (w *world) restart() {
	w.note("SIGTERM")
	w.process.drain()
	w.network.down()
	w.next(w.process.disk.after(100, w.damage), true)
}

func (w *world) kill() {
	w.note("kill -9")
	w.crash(100)
}

func (w *world) powerCut() {
	percent := w.random.IntN(3) * 50
	w.note("power cut, %d %% of what was not synced is there", percent)
	w.crash(percent)
}

func (w *world) crash(percent int) {
	w.process.gone.Store(true)
	w.network.down()
	after := w.process.disk.after(percent, w.damage)
	w.process.disk.healthy()
	w.process.reap()
	w.next(after, percent == 100)
}

// next starts the next process after a while. A bit may flip before, if the file system has
// everything that was written: with a power cut besides, the store cannot tell the two apart.
func (w *world) next(mem *vfs.MemFS, whole bool) {
	if w.settings.flips && whole && w.random.IntN(2) == 0 {
		name, err := flip(mem, directory+[]string{"", "/store"}[w.random.IntN(2)], w.damage)
		w.check(err)
		w.note("a bit of %q flips", name)
	}
	w.sleep(5 * time.Second)
	process := w.start(mem)
	w.mu.Lock()
	w.process = process
	w.mu.Unlock()
	w.note("the next process serves")
}

func (w *world) fill() {
	d := w.process.disk
	w.note("the disk is full")
	d.set(func() { d.full = true })
	w.sleep(5 * time.Second)
	w.note("the disk has room")
	d.set(func() { d.full = false })
}

func (w *world) slowDisk() {
	d, slow := w.process.disk, time.Duration(w.random.IntN(4000))*time.Millisecond
	w.note("a sync takes %v", slow)
	d.set(func() { d.slow = slow })
	w.sleep(10 * time.Second)
	d.set(func() { d.slow = 0 })
}

func (w *world) failWrite() {
	d, after := w.process.disk, 1+w.random.IntN(20)
	w.note("writes fail after %d", after)
	d.set(func() { d.fails = after })
	w.sleep(10 * time.Second)
	d.healthy()
}

// revive is the supervisor: it starts the next process when this one has ended by a failed write.
func (w *world) revive() {
	select {
	case left := <-w.process.fatal:
		w.note("the process has ended: %v", left.err)
		w.process.reap()
		w.next(left.mem, false)
	default:
	}
}

// calm ends all faults.
func (w *world) calm() {
	w.network.change(func() { w.network.stalled, w.network.refuse, w.network.delay = false, false, 0 })
	w.process.disk.healthy()
}
