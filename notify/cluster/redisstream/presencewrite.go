package redisstream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// The fields of a hash besides the counts.
const (
	versionField = "version"
	wholeField   = "whole" // the hash has all counts
)

// change is a message about the counts of a node.
type change struct {
	UID     string            `json:"uid"`
	Version uint64            `json:"version"` // one more than that of the message before
	Set     map[string]string `json:"set,omitempty"`
	Gone    bool              `json:"gone,omitempty"` // the node has ended
}

// parseChange returns an error for what no node has written.
func parseChange(payload string) (c change, err error) {
	if err := json.Unmarshal([]byte(payload), &c); err != nil {
		return change{}, err
	}
	if !uidPattern.MatchString(c.UID) || len(c.Set) > changeStep {
		return change{}, errors.New("no change of a node")
	}
	return c, nil
}

// hashState is what this node knows of its hash.
type hashState struct {
	version uint64 // of the last change
	rewrite bool   // the next change begins a new hash
	whole   bool   // the hash has said so
}

// write sends changes until the node leaves. It begins when the node is ready: one whose counts the
// others know may lead them, so it has to know theirs.
func (p *Presence) write() {
	for _, begun := range []<-chan struct{}{p.known, p.b.entered} {
		select {
		case <-begun:
		case <-p.life.Done():
			return
		}
	}
	close(p.ready)
	s := hashState{rewrite: true}
	refresh := time.NewTicker(presenceRefresh)
	defer refresh.Stop()
	for {
		more := p.flush(&s)
		if !more {
			select {
			case <-p.life.Done():
				return
			case <-refresh.C:
				continue
			case <-p.own.wake:
			}
		}
		select { // collect changes, and bound their rate
		case <-p.life.Done():
			return
		case <-time.After(presenceDelay):
		}
	}
}

// flush sends the next changes, if any, and says that the node lives.
func (p *Presence) flush(s *hashState) (more bool) {
	if s.rewrite {
		p.own.noteAll()
	}
	changes, more := p.own.take()
	next := s.version + 1
	stored, err := p.send(change{UID: p.uid, Version: next, Set: changes}, s, !more)
	if err != nil {
		// Perhaps the server has it. Then the next version is not the expected one.
		p.own.noteAgain(changes)
		if isReadOnly(err) { // the hash expires, and the node lives
			_ = p.publish(p.life, change{UID: p.uid, Version: s.version})
		}
		select {
		case <-p.life.Done():
		case <-time.After(maxWait):
		}
		return true
	}
	if _, has := changes[resignedField]; has && !isClosed(p.resigned) {
		close(p.resigned)
	}
	if s.rewrite || stored == next {
		*s = hashState{version: next, whole: !more || s.whole && !s.rewrite}
		return more
	}
	// The server has lost the hash, or has got a change of which this node does not know.
	*s = hashState{version: max(next, stored) + 1, rewrite: true}
	return true
}

// send stores a change and tells it to the others. It returns the version of the hash.
func (p *Presence) send(c change, s *hashState, last bool) (stored uint64, err error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	var set []any
	var gone []string
	for field, value := range c.Set {
		if value == "0" {
			gone = append(gone, field)
		} else {
			set = append(set, field, value)
		}
	}
	if last && (s.rewrite || !s.whole) {
		set = append(set, wholeField, "1")
	}
	key := p.key(p.uid)
	var version *redis.IntCmd
	err = p.b.c.do(p.life, func(ctx context.Context, r *redis.Client) error {
		return transact(ctx, r, func(t redis.Pipeliner) {
			if s.rewrite {
				t.Del(ctx, key)
				version = t.HIncrBy(ctx, key, versionField, int64(c.Version))
			} else {
				version = t.HIncrBy(ctx, key, versionField, 1)
			}
			if len(set) > 0 {
				t.HSet(ctx, key, set...)
			}
			if len(gone) > 0 {
				t.HDel(ctx, key, gone...)
			}
			t.PExpire(ctx, key, presenceLife)
			t.Publish(ctx, p.b.c.channel(presenceChannel), payload)
		})
	})
	if err != nil {
		return 0, err
	}
	return uint64(version.Val()), nil
}

// publish tells the others of a change without storing it.
func (p *Presence) publish(ctx context.Context, c change) error {
	payload, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return p.b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.Publish(ctx, p.b.c.channel(presenceChannel), payload).Err()
	})
}

// leave removes the hash and tells the others.
func (p *Presence) leave() error {
	gone := change{UID: p.uid, Gone: true}
	payload, err := json.Marshal(gone)
	if err != nil {
		return err
	}
	err = p.b.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		return transact(ctx, r, func(t redis.Pipeliner) {
			t.Del(ctx, p.key(p.uid))
			t.Publish(ctx, p.b.c.channel(presenceChannel), payload)
		})
	})
	if isReadOnly(err) { // the hash expires
		return p.publish(context.Background(), gone)
	}
	return err
}
