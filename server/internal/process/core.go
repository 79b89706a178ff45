//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// AnyCore in [Command] leaves the choice of the core to the kernel.
const AnyCore = -1

// maxCores is the size of unix.CPUSet.
const maxCores = 1024

// Cores returns a core for the server and one for the load. Both are the same when this process may
// use only one.
func Cores() (server, load int, err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return 0, 0, fmt.Errorf("allowed cores: %w", err)
	}
	server = AnyCore
	for core := range maxCores {
		if !allowed.IsSet(core) {
			continue
		}
		if server != AnyCore {
			return server, core, nil
		}
		server = core
	}
	return server, server, nil
}

// PinSelf holds all threads of this process on one core. Call it from a goroutine that stays on its
// thread.
func PinSelf(core int) error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("threads of this process: %w", err)
	}
	var set unix.CPUSet
	set.Set(core)
	for _, entry := range entries {
		thread, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(thread, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pin thread %d to core %d: %w", thread, core, err)
		}
	}
	return nil
}

// startOn starts a command that may use one core only. A child inherits the cores of the thread
// that starts it, so that no other program such as taskset is needed, and the runtime of the child
// counts one core from the beginning.
func startOn(core int, cmd *exec.Cmd) (err error) {
	if core == AnyCore {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("allowed cores: %w", err)
	}
	only.Set(core)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	defer func() { err = errors.Join(err, unix.SchedSetaffinity(0, &before)) }()
	return cmd.Start()
}
