package sim

import (
	"errors"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a file system of one process. It fills, is slow, fails, and loses what was not synced
// when the power goes.
type disk struct {
	vfs.FS
	mem *vfs.MemFS

	mu    sync.Mutex
	full  bool
	slow  time.Duration // of each sync of the log
	fails int           // writes and syncs of the log until all fail; 0: none
}

func newDisk(mem *vfs.MemFS) *disk {
	d := &disk{mem: mem}
	d.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(d.inject))
	return d
}

var errDevice = errors.New("input/output error")

func (d *disk) inject(op errorfs.Op) error {
	sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData ||
		op.Kind == errorfs.OpFileSyncTo
	if !strings.HasSuffix(op.Path, ".log") || !sync && op.Kind != errorfs.OpFileWrite {
		return nil
	}
	d.mu.Lock()
	slow, failed := d.slow, d.fails == 1
	if d.fails > 1 {
		d.fails--
	}
	d.mu.Unlock()
	if failed {
		return errDevice
	}
	if sync && slow > 0 {
		time.Sleep(slow)
	}
	return nil
}

func (d *disk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// healthy ends all faults.
func (d *disk) healthy() { d.set(func() { d.full, d.slow, d.fails = false, 0, 0 }) }

// GetDiskUsage implements vfs.FS.
func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	usage := vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 2 << 30, UsedBytes: 1 << 30}
	if d.full {
		usage.AvailBytes = 1 << 20
	}
	return usage, nil
}

// after returns the file system as the next process finds it. A percentage of the blocks that were
// not synced is there; 100 is the end of the process only.
func (d *disk) after(percent int, random *rand.Rand) *vfs.MemFS {
	return d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: random})
}

// flip flips a bit of a file, except for tables: Pebble would compact a damaged one again and
// again, with a pause by a clock that is not the fake one.
func flip(mem *vfs.MemFS, directory string, random *rand.Rand) (name string, err error) {
	names, err := mem.List(directory)
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, ".sst") })
	slices.Sort(names)
	if err != nil || len(names) == 0 {
		return "", err
	}
	name = path.Join(directory, names[random.IntN(len(names))])
	info, err := mem.Stat(name)
	if err != nil || info.IsDir() || info.Size() == 0 {
		return "", err
	}
	f, err := mem.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return "", err
	}
	at, b := random.Int64N(info.Size()), make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		return "", errors.Join(err, f.Close())
	}
	b[0] ^= 1 << random.IntN(8)
	_, err = f.WriteAt(b, at)
	return name, errors.Join(err, f.Sync(), f.Close())
}
