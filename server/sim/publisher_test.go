package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest/client"
)

// publishTimeout is the one of the API.
const publishTimeout = 2 * time.Second

// publisher publishes to the Hub of the process that runs, as the API does.
type publisher struct {
	w       *world
	name    string
	channel string
	batch   int
	count   int
}

// until publishes until the end of ctx.
func (p *publisher) until(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		p.publish()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// publish publishes a batch and writes down the result, as far as a backend learns it.
func (p *publisher) publish() {
	process := p.w.running()
	if process.gone.Load() {
		return
	}
	var keys []string
	var items []notify.Publication
	for range p.batch {
		key := fmt.Sprintf("%s-%d", p.name, p.count)
		p.count++
		p.w.book.Try(key, p.channel)
		data, _ := json.Marshal(key) // of a string
		keys, items = append(keys, key), append(items, notify.Publication{
			Notification: notify.Notification{Type: client.Type, Data: data},
			Target:       notify.ToChannel(p.channel),
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	results, err := process.hub.PublishBatch(ctx, items)
	for i, key := range keys {
		switch {
		case process.gone.Load(), errors.Is(err, notify.ErrUncertain):
		case err != nil || results[i].Err != nil:
			p.w.book.Refused(key)
		default:
			p.w.book.Acked(key, results[i].Receipt.ID)
		}
	}
}
