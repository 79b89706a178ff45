package forward

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/limit"
)

// slots bounds the number of requests that are forwarded at the same time.
type slots struct {
	max int

	mu        sync.Mutex
	used      int
	addresses map[netip.Addr]int // of clients
}

// take takes a slot, which the caller must release. While more than half are in use, one address
// gets at most an eighth: anybody can make up ids of other nodes.
func (s *slots) take(ip netip.Addr) bool {
	ip = limit.Bucket(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= s.max || ip.IsValid() && s.used >= s.max/2 && s.addresses[ip] >= max(1, s.max/8) {
		return false
	}
	s.used++
	s.addresses[ip]++
	return true
}

func (s *slots) release(ip netip.Addr) {
	ip = limit.Bucket(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	if s.addresses[ip]--; s.addresses[ip] == 0 {
		delete(s.addresses, ip)
	}
}

// rareLog is the time between two log lines.
const rareLog = 10 * time.Second

// rare writes a log line if the last one is long ago: each request could write one.
type rare struct{ next atomic.Int64 }

func (r *rare) warn(log *zap.Logger, message string, fields ...zap.Field) {
	next, now := r.next.Load(), time.Now().UnixNano()
	if now >= next && r.next.CompareAndSwap(next, now+int64(rareLog)) {
		log.Warn(message, fields...)
	}
}
