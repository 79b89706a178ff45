package adminui

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

const (
	sessionTTL  = 24 * time.Hour
	maxSessions = 64 // the oldest ends first
)

// sessions are the sessions of admins that have sent the password, so that the UI does not ask for it
// again when its page is loaded again. It keeps digests of their ids, in the memory of this process.
type sessions struct {
	now func() time.Time

	mu     sync.Mutex
	expiry map[[sha256.Size]byte]time.Time
}

func newSessions() *sessions {
	return &sessions{now: time.Now, expiry: map[[sha256.Size]byte]time.Time{}}
}

// add returns the id of a new session: 128 random bits.
func (s *sessions) add() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	id := hex.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var oldest [sha256.Size]byte
	first := time.Time{}
	for digest, end := range s.expiry {
		switch {
		case !now.Before(end):
			delete(s.expiry, digest)
		case first.IsZero() || end.Before(first):
			oldest, first = digest, end
		}
	}
	if len(s.expiry) >= maxSessions {
		delete(s.expiry, oldest)
	}
	s.expiry[sha256.Sum256([]byte(id))] = now.Add(sessionTTL)
	return id
}

// has reports whether there is a session with this id.
func (s *sessions) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, known := s.expiry[sha256.Sum256([]byte(id))]
	return known && s.now().Before(end)
}
