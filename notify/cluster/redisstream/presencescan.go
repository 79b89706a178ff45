package redisstream

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// firstHashPage is how many fields a page has at first, maxHashPage at most, about.
	firstHashPage page = 512
	maxHashPage   page = 4096
	hashPageBytes      = 256 << 10 // of a page, about
)

// scan is the hash of a node, while it is read in pages: it can have 64 MB, and a page has Timeout. The
// hash changes meanwhile. A page has the fields as they are then or before, and messages that come after
// it say what has changed since the version at the beginning. Both have whole values, so in the order in
// which they come they end as the hash is: what a page has early comes again in a message.
type scan struct {
	uid      string
	version  uint64 // that all of fields have, at least
	fields   map[string]count
	bytes    int
	isWhole  bool // the hash has said so
	isBroken bool // changes are missing, or the hash has begun anew
}

// hear applies a message of the node.
func (s *scan) hear(c change) {
	switch {
	case c.Version <= s.version:
	case c.Version > s.version+1:
		s.isBroken = true
	default:
		s.version = c.Version
		for field, text := range c.Set {
			s.put(field, text)
		}
	}
}

func (s *scan) put(field, text string) {
	value, ok := parseCount(text)
	if !ok || !hasForm(field) {
		return
	}
	if before, has := s.fields[field]; has {
		s.bytes -= before.cost(field)
		delete(s.fields, field)
	}
	if value.n > 0 && len(s.fields) < maxOtherFields && s.bytes+value.cost(field) <= maxOtherBytes {
		s.fields[field] = value
		s.bytes += value.cost(field)
	}
}

// begin begins a scan of another node, which gets its messages until end. It reports false if there is
// nothing to read: the node is only silent.
func (o *others) begin(s *scan) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.peers[s.uid]
	if p == nil || !p.stale && s.version == p.version {
		return false
	}
	p.stale = true // also if the scan ends with an error
	o.scan = s
	return true
}

// end ends a scan.
func (o *others) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scan = nil
}

// errChanged is the error of a scan whose hash has begun anew, or is on another server, or of which messages
// are missing.
var errChanged = errors.New("the counts of a node have begun anew")

// scanTries is how often a hash that has begun anew is read at once.
const scanTries = 3

// scan reads the hash of a node for others.read, or returns nil if nothing is new.
func (p *Presence) scan(uid string, messages <-chan string) (s *scan, err error) {
	for range scanTries {
		s, err = p.scanOnce(uid, messages)
		if p.others.end(); !errors.Is(err, errChanged) {
			break
		}
	}
	return s, err
}

func (p *Presence) scanOnce(uid string, messages <-chan string) (*scan, error) {
	server, err := p.b.c.server(p.life)
	if err != nil {
		return nil, p.b.c.result(err)
	}
	conn := server.Conn() // a cursor is of one server
	defer func() { _ = conn.Close() }()
	var s *scan
	for cursor := uint64(0); ; {
		got, err := p.readHash(conn, p.key(uid), cursor)
		if _, moved := redis.IsMovedError(err); moved && p.b.c.reload(p.life) {
			return nil, errChanged
		}
		if err = p.b.c.result(err); err != nil {
			return nil, err
		}
		if s == nil {
			s = &scan{uid: uid, version: got.before, fields: map[string]count{}}
			if !p.others.begin(s) {
				return nil, nil
			}
		}
		for i := 0; i+1 < len(got.pairs); i += 2 {
			s.put(got.pairs[i], got.pairs[i+1])
		}
		s.isWhole, s.isBroken, cursor = got.isWhole, got.after < s.version, got.next
		if cursor == 0 {
			p.hearUpTo(messages, s, got.after)
		} else {
			p.hearWaiting(messages)
		}
		switch {
		case s.isBroken:
			return nil, errChanged
		case cursor == 0:
			return s, nil
		}
	}
}

// hearWaiting applies the messages that have come.
func (p *Presence) hearWaiting(messages <-chan string) {
	for {
		select {
		case payload := <-messages:
			p.hear(payload)
		default:
			return
		}
	}
}

// hearUpTo applies messages until a scan has a version of its hash, or none has come for Timeout.
func (p *Presence) hearUpTo(messages <-chan string, s *scan, version uint64) {
	timer := time.NewTimer(p.b.c.timeout)
	defer timer.Stop()
	for s.version < version && !s.isBroken {
		select {
		case payload := <-messages:
			p.hear(payload)
			timer.Reset(p.b.c.timeout)
		case <-timer.C:
			s.isBroken = true
		case <-p.life.Done():
			s.isBroken = true
		}
	}
}

// hashPage is a page of a hash, and its version before and after that.
type hashPage struct {
	pairs         []string
	next          uint64
	before, after uint64
	isWhole       bool
}

func (p *Presence) readHash(conn *redis.Conn, key string, cursor uint64) (got hashPage, err error) {
	ctx, cancel := context.WithTimeout(p.life, p.b.c.timeout)
	defer cancel()
	pipe := conn.Pipeline()
	before := pipe.HGet(ctx, key, versionField)
	fields := pipe.HScan(ctx, key, cursor, "", int64(p.page))
	after, whole := pipe.HGet(ctx, key, versionField), pipe.HGet(ctx, key, wholeField)
	_, failed := pipe.Exec(ctx) // each has its error, if the server has got them
	if got.pairs, got.next, err = fields.Result(); err == nil && !errors.Is(failed, redis.Nil) {
		err = failed
	}
	if err != nil {
		p.page = p.page.after(err)
		return got, err
	}
	size := 0
	for _, text := range got.pairs {
		size += len(text)
	}
	p.page = max(1, min(maxHashPage, 2*p.page, page(hashPageBytes*(len(got.pairs)/2+1)/(size+1))))
	for _, reply := range []*redis.StringCmd{before, after, whole} {
		if err := reply.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return got, err
		}
	}
	got.before, _ = strconv.ParseUint(before.Val(), 10, 64)
	got.after, _ = strconv.ParseUint(after.Val(), 10, 64)
	got.isWhole = whole.Val() == "1"
	return got, nil
}
