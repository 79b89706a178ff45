package notify

// deque is a queue in one slice. It is contiguous, so that a binary search works, and releases
// memory as it empties.
type deque[T any] struct {
	buf   []T
	start int // index of the oldest element; the elements before it are zero
}

// spare is the number of elements that a short deque may leave unused.
const spare = 8

func (d *deque[T]) len() int { return len(d.buf) - d.start }

// all returns the elements, oldest first. The slice is valid until the next push or pop.
func (d *deque[T]) all() []T { return d.buf[d.start:] }

func (d *deque[T]) push(v T) { d.buf = append(d.buf, v) }

// pop removes the oldest element of a deque that is not empty.
func (d *deque[T]) pop() T {
	var zero T
	v := d.buf[d.start]
	d.buf[d.start] = zero
	d.start++
	if d.start == len(d.buf) || d.start >= spare && d.start >= d.len() {
		d.compact()
	}
	return v
}

// last returns the newest element of a deque that is not empty.
func (d *deque[T]) last() T { return d.buf[len(d.buf)-1] }

// popLast removes the newest element of a deque that is not empty.
func (d *deque[T]) popLast() {
	clear(d.buf[len(d.buf)-1:])
	d.buf = d.buf[:len(d.buf)-1]
	if d.len() == 0 {
		d.compact()
	}
}

// filter keeps the elements for which keep is true.
func (d *deque[T]) filter(keep func(T) bool) {
	kept := d.buf[:d.start]
	for _, v := range d.all() {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	clear(d.buf[len(kept):])
	d.buf = kept
	d.compact()
}

// compact moves the elements to the front of the slice, or to a smaller slice if most of it is
// unused.
func (d *deque[T]) compact() {
	live := d.all()
	switch {
	case len(live) == 0 && cap(d.buf) > 2*spare:
		d.buf = nil
	case cap(d.buf) > 2*spare && len(live) < cap(d.buf)/4:
		d.buf = append(make([]T, 0, cap(d.buf)/2), live...)
	default:
		n := copy(d.buf, live)
		clear(d.buf[n:])
		d.buf = d.buf[:n]
	}
	d.start = 0
}
