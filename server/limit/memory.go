package limit

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// The marks of Memory, in thousandths of the limit.
const (
	shortMark  = 850
	enoughMark = 800
	// shortTime ends a shortage at a level between the marks, which a server may have for ever.
	shortTime = 10 * time.Second

	// collectEvery and collectShare bound the work of the collections that Memory asks for: one in
	// this time, and none before ten times its own duration has passed.
	collectEvery = 250 * time.Millisecond
	collectShare = 10

	softShare = 0.8 // of the cgroup's limit, see SetSoftLimit
)

// Memory compares what the process uses with its limit: GOMEMLIMIT, and that of its cgroup. It says
// when the server must take no more work. One goroutine calls Look; the other methods are safe for
// concurrent use. nil has no limit.
type Memory struct {
	soft, hard int64 // bytes, of GOMEMLIMIT and of the cgroup; 0: none
	source     MemorySource

	short         atomic.Bool
	used, refused atomic.Int64

	// Only Look uses these.
	next  time.Time // no collection before
	since time.Time // of the level between the marks; zero: it is not there
}

// MemorySource measures the memory of a process.
type MemorySource interface {
	// Used returns the bytes of the process itself, garbage included, and those that the kernel
	// charges to its cgroup for it.
	Used() (own, kernel int64)
	// Collect removes the garbage.
	Collect()
}

// Pressure is what a look at the memory says.
type Pressure int

// The results of Memory.Look.
const (
	Enough     Pressure = iota // the server works as always
	Short                      // the server takes no more work
	StillShort                 // that was not enough: it must also let go of what it has
)

// NewMemory returns the watch for the limit of the Go runtime and that of the cgroup, in bytes; 0 is
// none. It returns nil without any.
func NewMemory(soft, hard int64, source MemorySource) *Memory {
	if soft <= 0 && hard <= 0 {
		return nil
	}
	return &Memory{soft: soft, hard: hard, source: source}
}

// OwnMemory returns the watch for the limits of this process.
func OwnMemory() *Memory {
	group := readCgroup(os.DirFS("/"))
	soft := debug.SetMemoryLimit(-1)
	if soft == math.MaxInt64 {
		soft = 0
	}
	return NewMemory(soft, group.limit, ownProcess(group))
}

// process is the MemorySource of this process.
type process struct {
	group   cgroup
	samples []metrics.Sample
}

func ownProcess(group cgroup) *process {
	return &process{group, []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, // for the next allocation, or given back
	}}
}

func (p *process) Used() (own, kernel int64) {
	metrics.Read(p.samples)
	total, released, free := p.samples[0].Value, p.samples[1].Value, p.samples[2].Value
	return int64(total.Uint64() - released.Uint64() - free.Uint64()), p.group.kernel()
}

func (p *process) Collect() { runtime.GC() }

// SetSoftLimit sets the limit of the Go runtime to 80 % of the cgroup's, unless GOMEMLIMIT is set:
// the runtime then collects in time, and leaves the rest to the kernel. It returns the new limit, 0
// if it has set none.
func SetSoftLimit() (bytes int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	group := readCgroup(os.DirFS("/"))
	if group.limit == 0 {
		return 0
	}
	soft := int64(float64(group.limit) * softShare)
	debug.SetMemoryLimit(soft)
	return soft
}

// Look measures and decides. Above 85 % of the limit the garbage may be all that is too much, so
// Look collects first, and memory is short when what is left is still above. It is short until less
// than 80 % are used, or less than 85 % for ten seconds.
func (m *Memory) Look() Pressure {
	was := m.short.Load()
	if !was && m.level() < shortMark {
		return Enough
	}
	start := time.Now()
	if start.Before(m.next) {
		return m.pressure()
	}
	m.source.Collect()
	end := time.Now()
	m.next = end.Add(max(collectEvery, collectShare*end.Sub(start)))
	switch level := m.level(); {
	case level >= shortMark:
		m.since = time.Time{}
		m.short.Store(true)
	case level < enoughMark:
		m.short.Store(false)
	case m.since.IsZero():
		m.since = end
	case end.Sub(m.since) >= shortTime:
		m.short.Store(false)
	}
	if !m.short.Load() {
		m.since = time.Time{}
	}
	if was && m.short.Load() {
		return StillShort
	}
	return m.pressure()
}

// pressure returns the last decision.
func (m *Memory) pressure() Pressure {
	if m.short.Load() {
		return Short
	}
	return Enough
}

// level returns the used part of the limit that is closest, in thousandths.
func (m *Memory) level() (level int64) {
	own, kernel := m.source.Used()
	used := own
	if m.soft > 0 {
		level = own * 1000 / m.soft
	}
	if m.hard > 0 {
		if of := (own + kernel) * 1000 / m.hard; of >= level {
			level, used = of, own+kernel
		}
	}
	m.used.Store(used)
	return level
}

// Usage returns the bytes in use at the last look, and the lower limit.
func (m *Memory) Usage() (used, limit int64) {
	if m == nil {
		return 0, 0
	}
	limit = m.soft
	if limit == 0 || m.hard > 0 && m.hard < limit {
		limit = m.hard
	}
	return m.used.Load(), limit
}

// IsShort reports whether the server takes no more connections.
func (m *Memory) IsShort() bool { return m != nil && m.short.Load() }

// Refused returns how many connections were refused because memory was short.
func (m *Memory) Refused() int64 {
	if m == nil {
		return 0
	}
	return m.refused.Load()
}

// refuses reports whether a connection must be refused, and counts it.
func (m *Memory) refuses() bool {
	if !m.IsShort() {
		return false
	}
	m.refused.Add(1)
	return true
}
