package disklog

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A power cut that takes everything that was not synced begins no epoch: not after the start, not
// after messages, not after damage that began one, and not after the end.
func TestMarkAfterPowerCut(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	change := func(o *Options) { o.fs = fs }
	s := open(t, "data", change)
	l := s.Log()
	follow(l)
	cut := func(when string) {
		t.Helper()
		core, logs := observer.New(zap.WarnLevel)
		want := l.Head()
		after := open(t, "data", func(o *Options) {
			o.fs, o.Log = fs.CrashClone(vfs.CrashCloneCfg{}), zap.New(core)
		})
		if head := after.Log().Head(); head != want || after.Log().Losses() != 0 || logs.Len() != 0 {
			t.Errorf("%s: head %v, want %v, %d losses, log %v", when, head, want,
				after.Log().Losses(), logs.All())
		}
		closed(t, after)
	}
	cut("after the start")
	add(t, l, 1, 5, "a")
	cut("after messages")
	epoch := l.Head().Epoch
	l.suspect(errEntry)
	eventually(t, "a new epoch", func() bool { return l.broken.Load() == nil && l.Head().Epoch != epoch })
	_ = l.Size() // returns after heal
	cut("after damage")
	add(t, l, 6, 9, "a")
	closed(t, s)
	f, err := fs.CrashClone(vfs.CrashCloneCfg{}).Open("data/" + markName)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, markSize)
	if _, err := f.ReadAt(buf, 0); err != nil || parseMark(buf) != l.Head() {
		t.Errorf("after the end the mark is %v, want %v; %v", parseMark(buf), l.Head(), err)
	}
}
