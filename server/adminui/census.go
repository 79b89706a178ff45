package adminui

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// maxNamespaces bounds the namespaces that server_stats names, those with the most sockets: clients
// can choose the names of some.
const maxNamespaces = 100

// census counts the sockets of each namespace, and how many came and went.
type census struct {
	own string // the namespace of the UI, whose sockets come and go unseen

	mu         sync.Mutex
	namespaces map[string]int // with a socket
	came, went uint64
	changes    uint64 // how often a socket came, those of admins included
	nextWalk   time.Time
}

func watch(hub *notify.Hub, own string) *census {
	c := &census{own: own, namespaces: map[string]int{}}
	hub.OnAttach(func(m *notify.Member) { c.change(m.Namespace(), 1) })
	hub.OnDetach(func(m *notify.Member) { c.change(m.Namespace(), -1) })
	return c
}

func (c *census) change(namespace string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.namespaces[namespace] += n; c.namespaces[namespace] == 0 {
		delete(c.namespaces, namespace) // a detach can be reported before its attach
	}
	if n > 0 {
		c.changes++
	}
	switch {
	case namespace == c.own:
	case n > 0:
		c.came++
	default:
		c.went++
	}
}

// arrivals returns a number that is another one when a socket has come since.
func (c *census) arrivals() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// mayWalk reports whether an admin may look at all sockets again. That takes 10 ms for 100,000, in
// which nothing is delivered, so all admins together do it once in 10 s then.
func (c *census) mayWalk() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !time.Now().Before(c.nextWalk)
}

func (c *census) walked(pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextWalk = time.Now().Add(pause)
}

type namespaceCount struct {
	Name    string `json:"name"`
	Sockets int    `json:"socketsCount"`
}

func (c *census) read() (namespaces []namespaceCount, came, went uint64) {
	c.mu.Lock()
	namespaces = make([]namespaceCount, 0, len(c.namespaces))
	for name, n := range c.namespaces {
		if n > 0 {
			namespaces = append(namespaces, namespaceCount{name, n})
		}
	}
	came, went = c.came, c.went
	c.mu.Unlock()
	slices.SortFunc(namespaces, func(x, y namespaceCount) int {
		return cmp.Or(y.Sockets-x.Sockets, strings.Compare(x.Name, y.Name))
	})
	return namespaces[:min(len(namespaces), maxNamespaces)], came, went
}
