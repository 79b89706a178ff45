package notify

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDeque(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d deque[*int]
		var model []*int
		for range rapid.IntRange(0, 400).Draw(t, "operations") {
			switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
			case op < 5:
				v := new(int)
				d.push(v)
				model = append(model, v)
			case op < 9:
				if len(model) > 0 {
					if d.pop() != model[0] {
						t.Fatal("popped another")
					}
					model = model[1:]
				}
			default:
				keep := map[*int]bool{}
				for i, v := range model {
					keep[v] = i%3 > 0
				}
				d.filter(func(v *int) bool { return keep[v] })
				var left []*int
				for _, v := range model {
					if keep[v] {
						left = append(left, v)
					}
				}
				model = left
			}
			if d.len() != len(model) {
				t.Fatalf("%d elements, want %d", d.len(), len(model))
			}
			for i, v := range d.all() {
				if v != model[i] {
					t.Fatalf("element %d differs", i)
				}
			}
			for _, v := range d.buf[:d.start] {
				if v != nil {
					t.Fatal("holds what was popped")
				}
			}
			for _, v := range d.buf[len(d.buf):cap(d.buf)] {
				if v != nil {
					t.Fatal("holds what was moved")
				}
			}
		}
	})
}
