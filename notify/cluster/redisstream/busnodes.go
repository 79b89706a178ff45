package redisstream

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

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
	return b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		_, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, b.nodeKey(self.UID), text, nodeLife)
			p.HSet(ctx, b.nodesKey(), self.UID, "")
			return nil
		})
		return err
	})
}

// leave removes the node from the list.
func (b *Bus) leave() error {
	self := b.Self()
	return b.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		_, err := r.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, b.nodeKey(self.UID), b.tagKey(self.Tag))
			p.HDel(ctx, b.nodesKey(), self.UID)
			return nil
		})
		return err
	})
}

// Nodes returns the nodes of the cluster, this one included, by uid.
func (b *Bus) Nodes(ctx context.Context) (nodes []cluster.Node, err error) {
	var uids []string
	var values []any
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		fields, err := r.HGetAll(ctx, b.nodesKey()).Result()
		if err != nil || len(fields) == 0 {
			return err
		}
		uids = uids[:0]
		keys := make([]string, 0, len(fields))
		for uid := range fields {
			uids = append(uids, uid)
			keys = append(keys, b.nodeKey(uid))
		}
		values, err = r.MGet(ctx, keys...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	var gone []string
	for i, value := range values {
		text, _ := value.(string)
		var node listed
		if json.Unmarshal([]byte(text), &node) != nil || node.UID != uids[i] {
			gone = append(gone, uids[i])
		} else if len(nodes) < maxNodes {
			copy(node.Node.Secret[:], node.Secret)
			nodes = append(nodes, node.Node)
		}
	}
	b.sweep(ctx, gone)
	slices.SortFunc(nodes, func(x, y cluster.Node) int { return strings.Compare(x.UID, y.UID) })
	return nodes, nil
}

// sweep removes nodes that have expired from the hash. One that is alive adds itself again.
func (b *Bus) sweep(ctx context.Context, gone []string) {
	if len(gone) == 0 {
		return
	}
	_ = b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.HDel(ctx, b.nodesKey(), gone...).Err()
	})
	b.c.o.Log.Info("nodes have ended", zap.String("uids", strings.Join(gone, " ")))
}
