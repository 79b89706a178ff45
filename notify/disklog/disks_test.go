package disklog

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// smallDisk is a file system that says how much of it is free.
type smallDisk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load()}, nil
}

func withFree(fs vfs.FS, bytes uint64) *smallDisk {
	disk := &smallDisk{FS: fs}
	disk.free.Store(bytes)
	return disk
}

// onSmallDisk opens a store on a disk with 1 GiB of space, at a time that the test moves.
func onSmallDisk(t *testing.T, now *atomic.Int64) (*Store, *smallDisk) {
	t.Helper()
	disk := withFree(vfs.NewMem(), 1<<30)
	return open(t, "/data", func(o *Options) {
		o.fs, o.Now = disk, func() time.Time { return time.UnixMilli(now.Load()) }
	}), disk
}

// slowDisk is a file system that needs 3 s to sync a write-ahead log while slow is set.
func slowDisk(slow *atomic.Bool) vfs.FS {
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
		if slow.Load() && sync && strings.HasSuffix(op.Path, ".log") {
			time.Sleep(3 * time.Second)
		}
		return nil
	}))
}
