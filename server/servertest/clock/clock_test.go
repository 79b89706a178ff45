package clock

import (
	"testing"
	"time"
)

func TestJump(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour} {
		now := time.Now()
		jumped := Jump(now, d)
		if moved := jumped.Sub(now); moved != 0 {
			t.Errorf("after %v the monotonic reading has moved by %v", d, moved)
		}
		if moved := jumped.Round(0).Sub(now.Round(0)); moved != d {
			t.Errorf("after %v the wall clock has moved by %v", d, moved)
		}
	}
}
