package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// Publisher publishes notifications of type Type to one channel, in batches, and writes down what
// the server answers. It has one goroutine.
type Publisher struct {
	PublisherOptions
	book  Ledger
	http  *http.Client
	stop  context.CancelFunc
	done  chan struct{}
	count int             // messages
	took  []time.Duration // of each acknowledged batch
}

// Ledger is where a publisher writes down; see oracle.Book.
type Ledger interface {
	Try(key, channel string)
	Acked(key, id string)
	Refused(key string)
}

// PublisherOptions describe a publisher.
type PublisherOptions struct {
	Base    string        // host:port of the server
	Key     string        // API key
	Name    string        // part of the keys of messages; unique in a book
	Channel string        // target
	Batch   int           // messages in a request
	Every   time.Duration // from the start of a request to that of the next
	Size    int           // bytes of data of each message, at least
	// Repeat sends each request with an Idempotency-Key, and again until the answer is 200 or no
	// repetition can change it. Each repetition is on a new connection.
	Repeat bool
}

// NewPublisher returns a publisher that does nothing by itself; call Publish, or Run for one that
// publishes until Stop.
func NewPublisher(t testing.TB, o PublisherOptions, book Ledger) *Publisher {
	p := newPublisher(o, book)
	t.Cleanup(p.http.CloseIdleConnections)
	return p
}

func newPublisher(o PublisherOptions, book Ledger) *Publisher {
	return &Publisher{PublisherOptions: o, book: book, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableKeepAlives: o.Repeat},
		Timeout:   servertest.Patience}}
}

// Run publishes in a goroutine until Stop or the end of the test.
func (p *Publisher) Run(t testing.TB) {
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.done = stop, make(chan struct{})
	go func() {
		defer close(p.done)
		p.until(ctx)
	}()
	t.Cleanup(p.Stop)
}

func (p *Publisher) until(ctx context.Context) {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		p.Publish()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Stop ends Run after its request.
func (p *Publisher) Stop() {
	p.stop()
	<-p.done
}

// Count returns the number of messages so far. Call it after Stop.
func (p *Publisher) Count() int { return p.count }

// P99 returns the 99th percentile of the times that the acknowledged batches took.
func (p *Publisher) P99() time.Duration {
	if len(p.took) == 0 {
		return 0
	}
	slices.Sort(p.took)
	return p.took[len(p.took)*99/100]
}

// Publish sends one batch. A request without a whole response leaves its messages in doubt.
func (p *Publisher) Publish() {
	keys, body := p.batch()
	start := time.Now()
	status, answer, err := p.post(keys[0], body)
	for p.Repeat && (err != nil || status == http.StatusServiceUnavailable) &&
		time.Since(start) < servertest.Patience {
		time.Sleep(repeatPause)
		status, answer, err = p.post(keys[0], body)
	}
	if err != nil || p.Repeat && status == http.StatusServiceUnavailable {
		return
	}
	var receipts []struct {
		ID    string
		Error json.RawMessage
	}
	if status == http.StatusOK && json.Unmarshal(answer, &receipts) == nil &&
		len(receipts) == len(keys) {
		p.took = append(p.took, time.Since(start))
		for i, receipt := range receipts {
			switch {
			case receipt.Error == nil:
				p.book.Acked(keys[i], receipt.ID)
			case !bytes.Contains(receipt.Error, []byte(edge.UncertainDetail)): // else it is in doubt
				p.book.Refused(keys[i])
			}
		}
		return
	}
	if bytes.Contains(answer, []byte(edge.UncertainDetail)) {
		return
	}
	for _, key := range keys {
		p.book.Refused(key)
	}
}

// repeatPause is the time until a request is sent again.
const repeatPause = 20 * time.Millisecond

// batch returns the messages of the next request and their keys.
func (p *Publisher) batch() (keys []string, body []byte) {
	var list []map[string]any
	for range max(1, p.Batch) {
		key := fmt.Sprintf("%s-%d", p.Name, p.count)
		p.count++
		data := key
		if pad := p.Size - len(key); pad > 0 {
			data += " " + strings.Repeat("x", pad)
		}
		p.book.Try(key, p.Channel)
		keys = append(keys, key)
		list = append(list, map[string]any{"target": map[string]string{"channel": p.Channel},
			"type": Type, "data": data})
	}
	return keys, servertest.JSON(list)
}

func (p *Publisher) post(key string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequest("POST", "http://"+p.Base+"/v1/notifications", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Key)
	r.Header.Set("Content-Type", "application/json")
	if p.Repeat {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := p.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}
