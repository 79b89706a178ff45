package redisstream

import "sync"

const (
	// maxFields and maxPresenceBytes bound what one node shares.
	maxFields        = 1 << 18
	maxPresenceBytes = 64 << 20
	// changeStep and changeBytes bound one message of changes.
	changeStep  = 4096
	changeBytes = 256 << 10
)

// own has the counts of this node, and those that the others do not know yet.
type own struct {
	wake chan struct{} // has an element when there are changes

	mu      sync.Mutex // guards the fields below
	fields  map[string]count
	bytes   int
	changed map[string]bool // fields in queue
	queue   []string        // in the order of their changes
}

func newOwn() own {
	return own{wake: make(chan struct{}, 1), fields: map[string]count{}, changed: map[string]bool{}}
}

// set reports false if the field is left out because there are too many.
func (o *own) set(field string, n int, name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, known := o.fields[field]
	after := count{min(n, maxCount), label(name)}
	if after.name == "" {
		after.name = before.name
	}
	size := after.cost(field)
	if known {
		size -= before.cost(field)
	}
	switch {
	case n <= 0 && !known, known && before == after:
		return true
	case n <= 0:
		delete(o.fields, field)
		o.bytes -= before.cost(field)
	case !hasForm(field), !known && len(o.fields) >= maxFields && field != resignedField,
		o.bytes+size > maxPresenceBytes:
		return false
	default:
		o.fields[field] = after
		o.bytes += size
	}
	o.note(field)
	return true
}

// note queues a field for the others. The caller holds the lock.
func (o *own) note(field string) {
	if o.changed[field] {
		return
	}
	o.changed[field] = true
	o.queue = append(o.queue, field)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// noteAll queues all fields.
func (o *own) noteAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for field := range o.fields {
		o.note(field)
	}
}

// noteAgain queues fields whose message may be lost.
func (o *own) noteAgain(fields map[string]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for field := range fields {
		o.note(field)
	}
}

// take returns the next changes, "0" for a field that is gone, and whether there are more.
func (o *own) take() (changes map[string]string, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	changes = make(map[string]string, min(len(o.queue), changeStep))
	n := 0
	for bytes := 0; n < len(o.queue) && n < changeStep && bytes < changeBytes; n++ {
		field := o.queue[n]
		changes[field] = o.fields[field].String()
		bytes += len(field) + len(changes[field])
		delete(o.changed, field)
	}
	o.queue = o.queue[n:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
	return changes, len(o.queue) > 0
}
