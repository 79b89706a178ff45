package redisstream

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster"
)

// former has the nodes that were in the list. While a server stores nothing, their keys expire; a server
// that has lost its data has none of them until they add themselves again. In both cases they run, so the
// list is in doubt, and a node that it has lost is one as long as it listens.
type former struct {
	nodes map[string]cluster.Node // by uid
	until time.Time               // when the list is not in doubt any more
}

// doubt notes that nodes may be missing in the list. It lasts until each has said several times that it
// runs.
func (b *Bus) doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.former.until = b.c.o.Now().Add(nodeLife)
}

// Nodes returns the nodes of the cluster, this one included, by uid.
func (b *Bus) Nodes(ctx context.Context) (nodes []cluster.Node, err error) {
	nodes, gone, err := b.readNodes(ctx)
	if err != nil {
		return nil, err
	}
	missing, isSure := b.compare(nodes)
	if isSure {
		b.sweep(ctx, gone)
	}
	if missing, err = b.listening(ctx, missing); err != nil {
		return nil, err
	}
	nodes = append(nodes, missing...)
	slices.SortFunc(nodes, func(x, y cluster.Node) int { return strings.Compare(x.UID, y.UID) })
	return nodes, nil
}

// readNodes reads the list, and which nodes in it have expired.
func (b *Bus) readNodes(ctx context.Context) (nodes []cluster.Node, gone []string, err error) {
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
		return nil, nil, err
	}
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
	return nodes, gone, nil
}

// compare notes the nodes of the list. It returns those that were in it before, if it is in doubt.
func (b *Bus) compare(nodes []cluster.Node) (missing []cluster.Node, isSure bool) {
	now := b.c.o.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make(map[string]cluster.Node, len(nodes))
	for _, node := range nodes {
		list[node.UID] = node
	}
	if _, has := list[b.self.UID]; !has && isClosed(b.entered) {
		b.former.until = now.Add(nodeLife)
	}
	if !now.Before(b.former.until) {
		b.former.nodes = list
		return nil, true
	}
	for uid, node := range b.former.nodes {
		if _, has := list[uid]; !has && len(list) < maxNodes {
			missing, list[uid] = append(missing, node), node
		}
	}
	b.former.nodes = list
	return missing, false
}

// listening returns those of the nodes that listen to their channels. This node is one.
func (b *Bus) listening(ctx context.Context, nodes []cluster.Node) (listen []cluster.Node, err error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	channels := make([]string, len(nodes))
	for i, node := range nodes {
		channels[i] = b.c.channel(busChannel + ":" + node.UID)
	}
	counts, err := b.c.subscribers(ctx, channels...)
	if err != nil {
		return nil, err
	}
	for i, node := range nodes {
		if counts[i] > 0 || node.UID == b.Self().UID {
			listen = append(listen, node)
		}
	}
	return listen, nil
}

// sweep removes nodes that have expired from the hash. One that is alive adds itself again.
func (b *Bus) sweep(ctx context.Context, gone []string) {
	if len(gone) == 0 {
		return
	}
	err := b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.HDel(ctx, b.nodesKey(), gone...).Err()
	})
	if err == nil {
		b.c.o.Log.Info("nodes have ended", zap.String("uids", strings.Join(gone, " ")))
	}
}
