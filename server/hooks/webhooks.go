package hooks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/presence"
)

// WebhookOptions configure the webhooks.
type WebhookOptions struct {
	URLs    []string      // each gets every event
	Events  []string      // names of events, see ParseWebhookEvents; all by default
	Retry   time.Duration // for how long a batch is sent again, 15 minutes by default; 0: it is not
	Timeout time.Duration // for one request, 15 s by default

	// Store returns where the queue of a URL outlives the process; nil: it ends with the process.
	Store func(url string) EventStore
}

// The events.
const (
	connectionOpened = "connection.opened"
	connectionClosed = "connection.closed"
	userOnline       = "user.online"
	userOffline      = "user.offline"
	channelOccupied  = "channel.occupied"
	channelVacated   = "channel.vacated"
	undelivered      = "notification.undelivered"
)

var webhookEvents = []string{connectionOpened, connectionClosed, userOnline, userOffline,
	channelOccupied, channelVacated, undelivered}

// vacatedDelay is the time from the last leave of a channel to channel.vacated.
const vacatedDelay = 3 * time.Second

// Webhooks tell applications what happens in the server: each URL gets all events in one order, in
// batches, at least once. Emitting an event never waits. Any goroutine may call its methods.
type Webhooks struct {
	hub       *notify.Hub
	sender    *sender
	receivers []*receiver
	channels  *presence.Tracker
	opened    openConnections

	wants    map[string]bool
	instance string // of this process, in the ids of events

	ctx      context.Context // done: everything ends
	cancel   func()
	draining chan struct{} // closed: the receivers send what they have and end
	drain    sync.Once
	running  sync.WaitGroup
	ended    chan struct{} // closed: the receivers have ended
	saving   sync.WaitGroup

	mu  sync.Mutex // makes the ids of events count up in the order of the queues
	seq uint64
}

// Webhooks starts the webhooks, which observe the hub. Call it once, before the first member
// attaches, and end it with Drain. Pass User to presence.AnnounceUsers.
func (h *Hooks) Webhooks(hub *notify.Hub) (*Webhooks, error) {
	o := h.o.Webhooks
	if o.Timeout <= 0 || len(o.Events) == 0 {
		return nil, errors.New("hooks: Options.Webhooks has no time or no events: " +
			"start from DefaultOptions()")
	}
	w := &Webhooks{hub: hub, wants: make(map[string]bool), instance: rand.Text()[:12],
		draining: make(chan struct{}), ended: make(chan struct{})}
	w.sender = newSender(h.o, &h.signers, len(o.URLs)) // one each, so that none waits for another
	for _, name := range o.Events {
		w.wants[name] = true
	}
	for i, address := range o.URLs {
		r := &receiver{h: h, w: w, address: address, number: i + 1}
		r.queue.init()
		if o.Store != nil {
			r.store, r.queue.changed = o.Store(address), make(chan struct{}, 1)
			if err := r.queue.restore(r.store); err != nil {
				return nil, fmt.Errorf("hooks: the queue of the receiver %d: %w", r.number, err)
			}
		}
		w.receivers = append(w.receivers, r)
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for _, r := range w.receivers {
		w.running.Go(r.run)
		if r.store != nil {
			w.saving.Go(r.save)
		}
	}
	w.observe()
	return w, nil
}

// ParseWebhookEvents returns the names of the events that entries choose: names, or patterns with
// stars, such as connection.*.
func ParseWebhookEvents(entries []string) (names []string, err error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("is empty, expected %s", expectedEvents())
	}
	for _, entry := range entries {
		known := false
		for _, name := range webhookEvents {
			if matches, err := path.Match(entry, name); err != nil || !matches {
				continue
			}
			if known = true; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if !known {
			return nil, fmt.Errorf("%s is no event, expected %s",
				strictjson.Shorten(strconv.Quote(entry)), expectedEvents())
		}
	}
	return names, nil
}

func expectedEvents() string {
	return strings.Join(webhookEvents, ", ") + ", or patterns such as connection.* or *"
}

// maxWebhookURLs bounds the memory of all queues.
const maxWebhookURLs = 16

// CheckWebhookURLs reports which URL cannot be used. No error shows a URL, because it can have a
// password.
func CheckWebhookURLs(urls []string) error {
	if len(urls) > maxWebhookURLs {
		return fmt.Errorf("has %d URLs, expected at most %d", len(urls), maxWebhookURLs)
	}
	for i, address := range urls {
		if err := CheckURL(address); err != nil {
			return fmt.Errorf("entry %d %w", i+1, err)
		}
		if first := slices.Index(urls, address); first < i {
			return fmt.Errorf("entry %d is the same as entry %d", i+1, first+1)
		}
	}
	return nil
}

// emit queues an event for every receiver. The caller keeps the events of one key in order.
func (w *Webhooks) emit(name string, at time.Time, data object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	event := newObject(len(data)+128).text("type", name).
		text("id", eventPrefix+w.instance+"_"+strconv.FormatUint(w.seq, 10)).
		text("timestamp", notify.Timestamp(at)).raw("data", data.end()).end()
	for _, r := range w.receivers {
		r.push(event)
	}
}

// Stopping ends the events about channels: when the server stops, its clients reconnect to another
// process, so what ends from then on is no absence. The caller does the same for users.
func (w *Webhooks) Stopping() { w.channels.Stop() }

// Drain sends what is queued and ends the webhooks. It sends until ctx is done; it counts and logs
// the rest, which stays in the store. Call it when no connection is left.
func (w *Webhooks) Drain(ctx context.Context) {
	w.drain.Do(func() {
		w.Stopping()
		close(w.draining)
		defer context.AfterFunc(ctx, w.cancel)()
		w.running.Wait()
		w.cancel()
		for _, r := range w.receivers {
			r.finish()
		}
		close(w.ended)
		w.saving.Wait()
		w.sender.client.CloseIdleConnections()
	})
}

// Stats returns the counts of each receiver, in the order of the URLs.
func (w *Webhooks) Stats() []metrics.Receiver {
	stats := make([]metrics.Receiver, len(w.receivers))
	for i, r := range w.receivers {
		stats[i] = r.queue.stats()
	}
	return stats
}
