package peers

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// maxRelayed and maxRelayedBytes bound the volatile messages that wait to be sent, and those of
	// other servers that wait to be delivered.
	maxRelayed      = 4096
	maxRelayedBytes = 16 << 20
	// relayPause is the time between two attempts to send when one has failed.
	relayPause = 200 * time.Millisecond
)

// relay carries volatile messages. They have queues of their own, so that a flood of them delays or
// drops no answer.
type relay struct {
	p       *Peers
	sending outbox
	ended   chan struct{} // closed when sending is empty for ever
	arrived inbox[arrival]
	deliver func(*notify.Message) // nil: nobody
	dropped atomic.Uint64
	told    rate.Sometimes // limits the lines about what is dropped
}

var _ notify.Relay = (*relay)(nil)

// Relay returns what carries volatile messages to and from the other servers. It publishes them as
// broadcasts with the flag volatile, which Roomcast nodes and servers with adapter 0.3 deliver. Its
// Receive must be called before Serve, and it sends nothing before Serve.
func (p *Peers) Relay() notify.Relay { return &p.relay }

// VolatileDropped returns how many volatile messages were not sent, as far as this server knows, or
// arrived and were not delivered.
func (p *Peers) VolatileDropped() uint64 { return p.relay.dropped.Load() }

func (r *relay) start(p *Peers) {
	r.p, r.ended, r.told = p, make(chan struct{}), rate.Sometimes{Interval: time.Minute}
	r.sending.start(maxRelayed, maxRelayedBytes)
	r.arrived.start(maxRelayed, maxRelayedBytes)
}

func (r *relay) serve() {
	r.p.running.Go(func() { r.arrived.work(r.p.life, func(a arrival) { r.deliver(a.m) }) })
	go func() {
		defer close(r.ended)
		r.write()
	}()
}

// close sends what waits, unless that fails or takes longer than Timeout.
func (r *relay) close() {
	r.sending.close()
	timer := time.AfterFunc(r.p.o.Timeout, func() { r.dropped.Add(uint64(r.sending.clear())) })
	defer timer.Stop()
	<-r.ended
}

// Receive implements notify.Relay.
func (r *relay) Receive(deliver func(*notify.Message)) { r.deliver = deliver }

// Send implements notify.Relay.
func (r *relay) Send(m *notify.Message) {
	if !r.p.serves() {
		return
	}
	e, err := nodewire.FromMessage(m, r.p.o.UID, "")
	if err != nil {
		r.drop("other servers have no form for them", 1, err)
		return
	}
	payload, err := e.AppendMap(nil)
	if err != nil {
		r.drop("other servers have no form for them", 1, err)
		return
	}
	message := Message{r.p.channel(e.Namespace, ""), payload}
	if !r.sending.put(item{message: message, size: itemSize + len(payload)}) {
		r.drop("too many wait to be sent", 1, nil)
	}
}

// write sends messages until sending is closed and empty. After a failure it drops all that wait:
// they would arrive late.
func (r *relay) write() {
	for {
		batch, closed := r.sending.take()
		switch {
		case len(batch) > 0:
			if err := r.p.publish(batch); err != nil {
				r.drop("they could not be sent", len(batch)+r.sending.clear(), err)
				r.pause()
			}
		case closed:
			return
		default:
			<-r.sending.filled
		}
	}
}

func (r *relay) pause() {
	timer := time.NewTimer(relayPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.p.life.Done():
	}
}

// arrival is a message of another server.
type arrival struct{ m *notify.Message }

// size is about what the message takes in memory.
func (a arrival) size() int {
	m := a.m
	n := itemSize + len(m.Data) + len(m.Metadata) + len(m.Args) + len(m.BinaryArgs)
	for _, data := range m.Attachments {
		n += len(data)
	}
	for _, names := range [][]string{m.Rooms, m.Except} {
		for _, name := range names {
			n += len(name) + 16
		}
	}
	return n
}

// receive takes a broadcast of another server. Without the flag volatile it should be in the stream.
func (r *relay) receive(e *nodewire.Entry) {
	if !e.Opts.Volatile || r.deliver == nil {
		return
	}
	m, err := e.Message(notify.ID{}, time.Now())
	if err != nil { // it is for nobody here
		return
	}
	if !r.arrived.put(arrival{m}) {
		r.drop("too many wait to be delivered", 1, nil)
	}
}

func (r *relay) drop(why string, n int, err error) {
	r.dropped.Add(uint64(n))
	r.told.Do(func() {
		r.p.log.Warn("volatile messages of the cluster are dropped, as others may be: "+why,
			zap.Int("messages", n), zap.Error(err))
	})
}
