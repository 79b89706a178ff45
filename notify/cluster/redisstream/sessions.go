package redisstream

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// maxRecord is the longest record of a session that is written.
const maxRecord = 1 << 20

// Sessions returns the sessions of all nodes. Those with a pid have the keys and the format of
// Node's adapter, so a client can go to a server of Node and back.
func (c *Client) Sessions() notify.SharedSessions { return sessions{c} }

type sessions struct{ c *Client }

// Load implements notify.SharedSessions. A damaged record is none: its client starts a new session,
// and misses no message for that.
func (s sessions) Load(ctx context.Context, key string) (notify.Session, error) {
	var text string
	err := s.c.anywhere(ctx, func(ctx context.Context, r redis.UniversalClient) (err error) {
		text, err = r.Get(ctx, s.c.sessionKey(key)).Result()
		return err
	})
	found, err := s.read(key, text, err)
	if err != nil || found.UserID == "" {
		return found, err
	}
	void, err := s.isVoid(ctx, found)
	if err != nil {
		return notify.Session{}, err
	}
	if void {
		return notify.Session{}, notify.ErrVoidSession
	}
	return found, nil
}

// read returns the session of a reply.
func (s sessions) read(key, text string, err error) (notify.Session, error) {
	if errors.Is(err, redis.Nil) {
		return notify.Session{}, notify.ErrNoSession
	}
	if err != nil {
		return notify.Session{}, err
	}
	record, err := nodewire.DecodeSession(text)
	if err != nil {
		s.c.o.Log.Warn("a stored session is damaged", zap.Error(err))
		return notify.Session{}, notify.ErrNoSession
	}
	return fromRecord(key, record), nil
}

// isVoid reports whether the user of a session was disconnected after it was saved.
func (s sessions) isVoid(ctx context.Context, of notify.Session) (bool, error) {
	var text string
	err := s.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		text, err = r.Get(ctx, s.c.voidKey(of.UserID)).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return of.Void != text, nil
}

// noVoid is the Session.Void of a session whose user has not been disconnected.
const noVoid = "-"

// mark sets Session.Void where it is missing.
func (s sessions) mark(ctx context.Context, changed []notify.Session) error {
	var fresh []*notify.Session
	var keys []string
	for i := range changed {
		if of := &changed[i]; of.UserID != "" && of.Void == "" {
			fresh, keys = append(fresh, of), append(keys, s.c.voidKey(of.UserID))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var voids []any
	err := s.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		voids, err = r.MGet(ctx, keys...).Result()
		return err
	})
	if err != nil {
		return err
	}
	for i, void := range voids {
		if fresh[i].Void, _ = void.(string); fresh[i].Void == "" {
			fresh[i].Void = noVoid
		}
	}
	return nil
}

// Take implements notify.SharedSessions.
func (s sessions) Take(
	ctx context.Context, taken notify.Session, ttl time.Duration,
) (notify.Session, error) {
	value, err := s.encode(taken)
	if err != nil {
		return notify.Session{}, err
	}
	var text string
	err = s.c.anywhere(ctx, func(ctx context.Context, r redis.UniversalClient) (err error) {
		args := redis.SetArgs{Mode: "XX", Get: true, TTL: ttl}
		text, err = r.SetArgs(ctx, s.c.sessionKey(taken.Key), value, args).Result()
		return err
	})
	return s.read(taken.Key, text, err)
}

// Save implements notify.SharedSessions.
func (s sessions) Save(
	ctx context.Context, changed []notify.Session, ended []string, ttl time.Duration,
) error {
	if err := s.mark(ctx, changed); err != nil {
		return err
	}
	return s.c.pipeline(ctx, func(ctx context.Context, p redis.Pipeliner) {
		for _, of := range changed {
			if value, err := s.encode(of); err == nil {
				p.Set(ctx, s.c.sessionKey(of.Key), value, ttl)
			}
		}
		for _, key := range ended {
			p.Del(ctx, s.c.sessionKey(key))
		}
	})
}

// Keep implements notify.SharedSessions.
func (s sessions) Keep(
	ctx context.Context, keys []string, ttl time.Duration,
) (all []notify.Session, err error) {
	replies := make([]*redis.StringCmd, len(keys))
	err = s.c.pipeline(ctx, func(ctx context.Context, p redis.Pipeliner) {
		for i, key := range keys {
			name := s.c.sessionKey(key)
			p.PExpire(ctx, name, ttl)
			replies[i] = p.Get(ctx, name)
		}
	})
	if err != nil {
		return nil, err
	}
	for i, reply := range replies {
		text, err := reply.Result()
		if of, err := s.read(keys[i], text, err); err == nil {
			all = append(all, of)
		}
	}
	return all, nil
}

// Void implements notify.SharedSessions.
func (s sessions) Void(ctx context.Context, userID string, ttl time.Duration) error {
	return s.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.Set(ctx, s.c.voidKey(userID), rand.Text(), ttl).Err()
	})
}

// encode returns the record of a session. One that has none is not stored, and the client resumes by
// its offset only.
func (s sessions) encode(of notify.Session) (string, error) {
	value, err := record(of, s.c.o.Now()).Encode()
	if err == nil && len(value) > maxRecord {
		err = &notify.ValidationError{Field: "session", Reason: "is longer than 1 MiB"}
	}
	if err != nil {
		s.c.o.Log.Warn("a session cannot be stored for other nodes",
			zap.String("client", of.ClientID), zap.Error(err))
	}
	return value, err
}
