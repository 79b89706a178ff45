package sse

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
)

// parameters are the query parameters of a stream.
var parameters = []string{
	"ticket", "token", "userId", "username", "channel", "channels", "sessionId",
	"lastEventId", "last_event_id", "since", "as", "envelope",
}

// aliases are the names that other servers give to a parameter. The keys are in the form of plain.
var aliases = map[string]string{
	"room": "channel", "rooms": "channels", "topic": "channel", "topics": "channels",
	"user": "userId", "uid": "userId", "name": "username", "auth": "token", "jwt": "token",
	"accesstoken": "token", "authorization": "token", "session": "sessionId", "event": "as",
}

const (
	maxUnknown   = 100 // names that are noted; more are not logged
	maxParameter = 20  // bytes; a longer name could be a token without a name
)

// unknown notes the query parameters that a stream does not have. The stream ignores them, because
// pages and polyfills add a parameter of their own against caches, and EventSource would give up
// after an error. The log has each name once, so that a developer sees why it has no effect.
type unknown struct {
	log  *zap.Logger
	mu   sync.Mutex
	seen map[string]bool
}

// note logs the names in a query that are new.
func (u *unknown) note(query url.Values) {
	for name := range query {
		known, _ := auth.ListName(name)
		if slices.Contains(parameters, known) || len(name) > maxParameter || !u.isNew(name) {
			continue
		}
		if meant := meaning(known); meant != "" {
			u.log.Warn("unknown query parameter of a stream", zap.String("name", name),
				zap.String("did_you_mean", meant))
			continue
		}
		u.log.Debug("unknown query parameter of a stream", zap.String("name", name))
	}
}

func (u *unknown) isNew(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen[name] || len(u.seen) >= maxUnknown {
		return false
	}
	if u.seen == nil {
		u.seen = make(map[string]bool)
	}
	u.seen[strings.Clone(name)] = true // without the request line
	return true
}

// meaning returns the parameter that the author of a URL probably means, or "".
func meaning(name string) string {
	name = plain(name)
	if alias := aliases[name]; alias != "" {
		return alias
	}
	meant, nearest := "", 3
	if len(name) <= 4 { // a short name is close to names of other meanings
		nearest = 1
	}
	for _, p := range parameters {
		if d := distance(name, plain(p)); d < nearest {
			meant, nearest = p, d
		}
	}
	return meant
}

// plain returns a name without its case and without the characters that separate words.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
}

// distance returns the number of bytes to insert, delete or replace to make b from a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
