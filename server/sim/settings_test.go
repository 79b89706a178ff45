package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
)

// settings are those of the server in one run.
type settings struct {
	disk     bool          // DATA_DIR
	interval time.Duration // DATA_SYNC=interval; 0: always
	history  int           // HISTORY_SIZE
	ttl      time.Duration // HISTORY_TTL
	maxBytes int64         // DATA_MAX_BYTES
	flips    bool          // bits flip while no process runs
}

func chooseSettings(random *rand.Rand) settings {
	s := settings{disk: random.IntN(8) > 0, history: []int{1, 5, 1024}[random.IntN(3)],
		ttl: 24 * time.Hour, maxBytes: 1 << 30}
	if random.IntN(5) == 0 {
		s.interval = 10 * time.Millisecond
	}
	if random.IntN(6) == 0 {
		s.ttl = time.Second + time.Duration(random.IntN(20))*time.Second
	}
	if random.IntN(6) == 0 {
		s.maxBytes = 4 << 10
	}
	s.flips = s.disk && random.IntN(6) == 0
	return s
}

// keepsAll reports whether nothing may be missing: no client gets a gap.
func (s settings) keepsAll() bool {
	return s.disk && s.interval == 0 && s.ttl > time.Hour && s.maxBytes > 1<<20 && !s.flips
}

// renews reports whether the log may lose its end and go on with a new epoch.
func (s settings) renews() bool { return s.disk && (s.interval > 0 || s.flips) }

func (s settings) String() string {
	return fmt.Sprintf("DATA_DIR %v, sync every %v, HISTORY_SIZE %d, HISTORY_TTL %v, "+
		"DATA_MAX_BYTES %d, bits flip %v", s.disk, s.interval, s.history, s.ttl, s.maxBytes, s.flips)
}

func (s settings) hub() notify.Options {
	o := notify.DefaultOptions()
	o.HistorySize, o.HistoryMinAge, o.HistoryTTL = s.history, 0, s.ttl
	return o
}

func (s settings) store() disklog.Options {
	o := disklog.DefaultOptions(directory)
	o.TTL, o.MaxBytes, o.TailBytes, o.SyncInterval = s.ttl, s.maxBytes, 4<<10, s.interval
	return o
}
