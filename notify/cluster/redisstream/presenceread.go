package redisstream

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	// presenceRetry is the time between two reads of one hash.
	presenceRetry = time.Second
	// maxChanges is how many messages wait. Above it the server keeps them, and ends the connection
	// when it has too many.
	maxChanges = 32
	// maxChange is how large they are. A node whose message is larger, which takes names full of
	// characters that JSON escapes, is read when its next message comes.
	maxChange = 512 << 10
	// maxSilence is how long nothing arrives, not even what this node says, on a connection that is lost.
	maxSilence = 3 * presenceRefresh
)

// listen follows the other nodes until this one leaves.
func (p *Presence) listen() {
	isReady := false
	p.b.c.keep(p.life, func(ctx context.Context, ready func()) error {
		return p.follow(ctx, isReady, func() {
			if !isReady {
				isReady = true
				close(p.known)
			}
			ready()
		})
	})
}

// follow applies messages until the connection or its context ends. What the first call reads, until
// it calls ready, is not new.
func (p *Presence) follow(life context.Context, isReady bool, ready func()) error {
	ctx, cancel := context.WithTimeout(life, p.b.c.timeout)
	defer cancel()
	server, err := p.b.c.server(ctx)
	if err != nil {
		return err
	}
	sub := server.Subscribe(ctx, p.b.c.channel(presenceChannel))
	defer sub.Close()
	defer context.AfterFunc(life, func() { _ = sub.Close() })()       // ends a read
	if _, err := sub.ReceiveTimeout(ctx, p.b.c.timeout); err != nil { // it is subscribed
		return err
	}
	if err := p.meetAll(ctx); err != nil {
		return err
	}
	messages, failed, stop := p.receive(sub)
	defer stop()
	if err := p.readDue(messages, !isReady); err != nil {
		return err
	}
	ready()
	return p.apply(messages, failed)
}

// meetAll notes all nodes as stale.
func (p *Presence) meetAll(ctx context.Context) error {
	nodes, err := p.b.Nodes(ctx)
	if err != nil {
		return err
	}
	var uids []string
	for _, node := range nodes {
		if node.UID != p.uid {
			uids = append(uids, node.UID)
		}
	}
	p.others.reset(uids, p.b.c.o.Now())
	return nil
}

// apply applies messages, and reads what they say is missing.
func (p *Presence) apply(messages <-chan string, failed <-chan error) error {
	ticker := time.NewTicker(presenceRetry)
	defer ticker.Stop()
	for {
		select {
		case <-p.life.Done():
			return ErrClosed
		case err := <-failed:
			return err
		case payload := <-messages:
			p.hear(payload)
		case <-ticker.C:
		}
		_ = p.readDue(messages, false) // result logs an error, and the next time is soon
	}
}

// hear applies a message.
func (p *Presence) hear(payload string) {
	c, err := parseChange(payload)
	switch {
	case err != nil:
		p.b.c.o.Log.Debug("skipped a message of another node", zap.Error(err))
		return
	case c.UID == p.uid:
		return
	}
	now := p.b.c.o.Now()
	crossings := p.others.heard(c, now)
	p.others.changed(crossings, false, now)
}

// receive reads messages until the connection fails or stop is called.
func (p *Presence) receive(sub *redis.PubSub) (
	messages <-chan string, failed <-chan error, stop func(),
) {
	got, end := make(chan string, maxChanges), make(chan error, 1)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		end <- receive(p.life, sub, got, quit)
	}()
	return got, end, func() { // sub.Close ends a read
		close(quit)
		_ = sub.Close()
		<-done
	}
}

// receive passes messages on until the connection ends or quit is closed.
func receive(
	ctx context.Context, sub *redis.PubSub, messages chan<- string, quit <-chan struct{},
) error {
	for {
		got, err := sub.ReceiveTimeout(ctx, maxSilence)
		if err != nil {
			return err
		}
		message, ok := got.(*redis.Message)
		if !ok || len(message.Payload) > maxChange {
			continue
		}
		select {
		case messages <- message.Payload:
		case <-quit:
			return nil
		}
	}
}

// readDue reads the hashes that are due. known says that watchers get nothing new.
func (p *Presence) readDue(messages <-chan string, known bool) error {
	for _, uid := range p.others.due(p.b.c.o.Now()) {
		s, err := p.scan(uid, messages)
		switch {
		case errors.Is(err, errChanged): // it is still due
			continue
		case err != nil:
			return err
		case s == nil:
			continue
		}
		if p.others.isForeign(s) && p.foreign.CompareAndSwap(false, true) {
			p.b.c.o.Log.Warn("a node of another database of Redis has the same REDIS_STREAM: volatile events "+
				"and calls between servers reach both clusters, so give one of them another name",
				zap.String("uid", uid))
		}
		now := p.b.c.o.Now()
		crossings := p.others.read(s, now)
		p.others.changed(crossings, known, now)
	}
	return nil
}
