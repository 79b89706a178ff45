package redisstream

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/notify/cluster"
)

const (
	tagBytes = 3 // 4 characters
	// tagAttempts is how many tags a node tries. There are 16 million.
	tagAttempts = 16
)

// Join adds a node to the cluster: the others see it in [Bus.Nodes] and reach it by their Bus. Its
// tag is chosen here. Join waits until Redis answers or ctx ends. The Bus has to be closed.
func (c *Client) Join(ctx context.Context, node cluster.Node) (*Bus, error) {
	b, err := c.newBus(node)
	if err != nil {
		return nil, err
	}
	if err := b.enter(ctx); err != nil {
		b.end()
		return nil, err
	}
	first := b.run(b.stay)
	select {
	case <-first:
		return b, nil
	case <-ctx.Done():
	case <-b.life.Done():
	}
	b.Close()
	return nil, errors.Join(context.Cause(ctx), ErrUnavailable)
}

// JoinLater is [Client.Join] that does not wait: until Redis answers, the others do not see the node,
// and it reaches nobody.
func (c *Client) JoinLater(node cluster.Node) (*Bus, error) {
	b, err := c.newBus(node)
	if err != nil {
		return nil, err
	}
	b.run(func() {
		if b.enter(b.life) == nil {
			b.stay()
		}
	})
	return b, nil
}

func (c *Client) newBus(node cluster.Node) (*Bus, error) {
	if !uidPattern.MatchString(node.UID) {
		return nil, fmt.Errorf("uid %.40q: expected 16 hexadecimal digits", node.UID)
	}
	b := &Bus{c: c, askTimeout: askTimeout, self: node, entered: make(chan struct{}),
		inbox:       inbox{frames: make(chan frame, maxInbox)},
		handlers:    make(map[string]func(string, []byte) []byte),
		questions:   make(map[uint64]*question),
		toldDropped: rate.Sometimes{Interval: time.Minute}, toldLarge: rate.Sometimes{Interval: time.Minute}}
	b.life, b.end = context.WithCancel(c.life)
	return b, nil
}

// enter adds the node to the list. It waits until Redis answers.
func (b *Bus) enter(ctx context.Context) error {
	for wait := newBackoff(); ; {
		err := b.register(ctx)
		if err == nil {
			close(b.entered)
			return nil
		}
		if !wait.sleep(ctx, b.c.life) {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// run starts the goroutines of the bus. It returns a channel that is closed when messages arrive.
func (b *Bus) run(stay func()) (first chan struct{}) {
	first = make(chan struct{})
	b.running.Go(func() { b.listen(first) })
	b.running.Go(stay)
	for range workers {
		b.running.Go(b.work)
	}
	return first
}

// stay keeps the node in the list until the bus ends.
func (b *Bus) stay() {
	for ticker := time.NewTicker(nodeRefresh); ; {
		select {
		case <-b.life.Done():
			ticker.Stop()
			return
		case <-ticker.C:
			if isReadOnly(b.register(b.life)) { // do logs the error, and the next time is soon
				b.doubt()
			}
			_, _ = b.Nodes(b.life) // to know them when the server does not
		}
	}
}

// holdTag takes a tag for a node, or keeps it, unless another node has it. ARGV: the node, and how
// many milliseconds it keeps the tag.
var holdTag = redis.NewScript(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// register says that the node runs. While Redis was away, another node can have got the tag: then
// this one takes a new tag.
func (b *Bus) register(ctx context.Context) error {
	self := b.Self()
	former := self.Tag
	for attempt := 0; ; attempt++ {
		if self.Tag == "" {
			self.Tag = newTag()
		}
		isOwn, err := b.hold(ctx, self)
		if err != nil {
			return err
		}
		if isOwn {
			break
		}
		if attempt == tagAttempts {
			return fmt.Errorf("%w: all tags of nodes are taken", ErrUnavailable)
		}
		self.Tag = ""
	}
	if former != "" && self.Tag != former {
		b.c.o.Log.Warn("another node has the tag of this one: sessions of its former tag are only "+
			"found here", zap.String("former", former), zap.String("tag", self.Tag))
	}
	b.mu.Lock()
	b.self.Tag = self.Tag
	b.mu.Unlock()
	return b.announce(ctx, self)
}

func newTag() string {
	var random [tagBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

func (b *Bus) hold(ctx context.Context, self cluster.Node) (isOwn bool, err error) {
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		isOwn, err = holdTag.Run(ctx, r, []string{b.tagKey(self.Tag)}, self.UID,
			nodeLife.Milliseconds()).Bool()
		return err
	})
	return isOwn, err
}
