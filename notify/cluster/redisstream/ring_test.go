package redisstream

import (
	"slices"
	"testing"
)

func TestRing(t *testing.T) {
	t.Parallel()
	var r ring
	var want []mark
	for i := range 2*ringSize + 5 {
		m := mark{id: streamID{n: uint64(i)}}
		r.push(m)
		if want = append(want, m); i == 2 && !slices.Equal(r.all(), want) {
			t.Errorf("got %v", r.all())
		}
	}
	if got := r.all(); !slices.Equal(got, want[len(want)-ringSize:]) {
		t.Errorf("%d entries from %v to %v", len(got), got[0], got[len(got)-1])
	}
	r.cut(r.all()[:3])
	r.push(mark{hash: 1})
	if got := r.all(); len(got) != 4 || got[0] != want[len(want)-ringSize] || got[3].hash != 1 {
		t.Errorf("after a cut: %v", got)
	}
}
