// Package oracle decides whether clients got what the server promised: publishers and clients write
// down in a Book what they sent, what the server acknowledged and what they received, and Check
// finds what is missing, repeated, out of order or from nowhere.
package oracle

import (
	"fmt"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Book is the record of one test. Any goroutine may call its methods. Each message has a key of its
// own, such as its data, because a publisher that gets no reply knows no id.
type Book struct {
	// Renewed says that messages may come again after the server began a new epoch, with ids of that
	// epoch: a log that has lost its end keeps the rest, and clients get all of it after their gap.
	Renewed bool
	// Forked says that a log may lose its end while another one has gone on from the same place: what
	// follows a gap may have lower ids than what a client had before.
	Forked bool

	mu       sync.Mutex
	messages map[string]*message // by key
	acked    []*message          // in the order of their acknowledgements
	newest   map[string]place    // of each channel, acknowledged
	epochs   []uint32            // in the order in which they appeared
	readers  []*Reader
	found    []Violation // by the methods that write
}

// state is what a publisher knows about a message.
type state int

const (
	doubtful state = iota // no reply: the server may have taken it or not
	acked
	refused
)

type message struct {
	key, channel string
	state        state
	id           notify.ID
}

// place is a position in the order of all messages, of which an epoch has a part.
type place struct {
	epoch int // index in Book.epochs; -1: before all
	seq   uint64
}

func (p place) after(q place) bool {
	return p.epoch > q.epoch || p.epoch == q.epoch && p.seq > q.seq
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{messages: map[string]*message{}, newest: map[string]place{}}
}

// Try notes that a publisher is about to send a message to a channel. Until Acked or Refused the
// message is in doubt. A publisher that sends a message again with the same idempotency key calls
// Try once.
func (b *Book) Try(key, channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.messages[key] != nil {
		panic(fmt.Sprintf("oracle: two messages have the key %s", key))
	}
	b.messages[key] = &message{key: key, channel: channel}
}

// Acked notes that the server acknowledged a message with this id.
func (b *Book) Acked(key, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, parsed := b.messages[key], b.parse("the publisher", key, id)
	if m.state == acked && m.id != parsed {
		b.found = append(b.found, Violation{Double, "the publisher", key, id})
	}
	if m.state == acked || parsed.IsZero() {
		return
	}
	m.state, m.id = acked, parsed
	b.acked = append(b.acked, m)
	if p := b.place(parsed); p.after(b.newest[m.channel]) {
		b.newest[m.channel] = p
	}
}

// Refused notes that the server answered a message with an error: nobody may receive it.
func (b *Book) Refused(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages[key].state = refused
}

// parse reads an id; one that is not valid is a violation. The caller holds mu.
func (b *Book) parse(who, key, id string) notify.ID {
	parsed, err := notify.ParseID(id)
	if err != nil {
		b.found = append(b.found, Violation{Foreign, who, key, id})
	}
	return parsed
}

// place returns the position of an id. The caller holds mu.
func (b *Book) place(id notify.ID) place {
	for i, epoch := range b.epochs {
		if epoch == id.Epoch {
			return place{i, id.Seq}
		}
	}
	b.epochs = append(b.epochs, id.Epoch)
	return place{len(b.epochs) - 1, id.Seq}
}

// Reader returns the record of a client that is in these channels. Its goroutine, and no other,
// calls the methods of the Reader.
func (b *Book) Reader(name string, channels ...string) *Reader {
	r := &Reader{book: b, name: name, channels: channels}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers = append(b.readers, r)
	return r
}
