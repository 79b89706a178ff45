package peers

import (
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// event lets the handlers have an event.
func (p *Peers) event(r request) {
	wait := func() {}
	if r.e.RequestID != "" && r.e.UID != "" {
		r.answer, wait = p.promptly(r)
	}
	if p.events.put(r) {
		wait()
	} else {
		p.full(r.e)
	}
}

// answerPart is the part of Timeout after which an event is answered for its handlers, so that the
// answer arrives in time.
const answerPart = 0.7

func (p *Peers) answerTime() time.Duration { return time.Duration(answerPart * float64(p.o.Timeout)) }

// promptly returns the answer function of an event, and one that makes it answer null when nobody has
// answered soon. Without that, every call of the other server would end with an error.
func (p *Peers) promptly(r request) (answer func(nodewire.Value), wait func()) {
	to := request{by: r.by, e: &nodewire.Entry{ // without what the event has
		UID: r.e.UID, Namespace: r.e.Namespace, RequestID: r.e.RequestID,
	}}
	var mu sync.Mutex // guards the two
	var isAnswered bool
	var timer *time.Timer
	answer = func(v nodewire.Value) {
		mu.Lock()
		was := isAnswered
		if isAnswered = true; timer != nil {
			timer.Stop()
		}
		mu.Unlock()
		if !was {
			p.reply(to, &nodewire.Entry{Type: nodewire.TypeServerReply, Packet: v})
		}
	}
	return answer, func() {
		mu.Lock()
		defer mu.Unlock()
		if !isAnswered {
			timer = time.AfterFunc(p.answerTime(), func() { answer(null()) })
		}
	}
}

func null() nodewire.Value { return nodewire.Value{JSON: []byte("null")} }

// handleEvent calls the handlers of an event.
func (p *Peers) handleEvent(r request) {
	p.local.ServerEvent(p.life, r.e, r.answer)
}
