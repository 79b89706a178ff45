package redisstream

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster"
)

const (
	// nodeLife is how long the others know a node that has not said that it runs.
	nodeLife = 15 * time.Second
	// nodeRefresh is how often it says so.
	nodeRefresh = 5 * time.Second
	// maxNodes is how many nodes a node sees. A list above it is the work of another program.
	maxNodes = 1000
)

var uidPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (b *Bus) tagKey(tag string) string  { return b.c.key("tag:" + tag) }
func (b *Bus) nodeKey(uid string) string { return b.c.key("node:" + uid) }

// nodesKey is a hash with the uids. It says which keys of nodes to read: KEYS and SCAN, which find
// them too, read all keys of the server, and the user in our documentation may not call them.
func (b *Bus) nodesKey() string { return b.c.key("nodes") }

// listed is a node in the list of nodes.
type listed struct {
	cluster.Node
	Secret []byte `json:"secret,omitempty"`
}

func (b *Bus) announce(ctx context.Context, self cluster.Node) error {
	text, err := json.Marshal(listed{self, self.Secret[:]})
	if err != nil {
		return err
	}
	var added *redis.IntCmd
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return transact(ctx, r, func(p redis.Pipeliner) {
			p.Set(ctx, b.nodeKey(self.UID), text, nodeLife)
			added = p.HSet(ctx, b.nodesKey(), self.UID, "")
		})
	})
	if err != nil {
		return err
	}
	b.c.noteStored()
	if added.Val() > 0 && isClosed(b.entered) { // the server has lost the list, and with it the others
		b.doubt()
	}
	return nil
}

// leave removes the node from the list.
func (b *Bus) leave() error {
	self := b.Self()
	return b.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		return transact(ctx, r, func(p redis.Pipeliner) {
			p.Del(ctx, b.nodeKey(self.UID), b.tagKey(self.Tag))
			p.HDel(ctx, b.nodesKey(), self.UID)
		})
	})
}
