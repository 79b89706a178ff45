package notify

// deque is a queue in one slice: contiguous, so that it can be searched, and giving memory back as it empties.
type deque[T any] struct {
	buf   []T
	start int // elements of buf before it are zero
}

// spare is how many places of a short deque may be unused.
const spare = 8

func (d *deque[T]) len() int { return len(d.buf) - d.start }

// all returns the elements, oldest first; valid until the next push or pop.
func (d *deque[T]) all() []T { return d.buf[d.start:] }

func (d *deque[T]) push(v T) { d.buf = append(d.buf, v) }

// pop takes the oldest element off a deque that is not empty.
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

// compact moves the elements to the front of the slice, or of a smaller one when this one is mostly unused.
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
