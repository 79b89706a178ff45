//go:build linux

// Package process runs servers and reads the processor time and the memory that they use.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startDeadline is the longest time from the start of a server to the line that names its address.
const startDeadline = 20 * time.Second

// Port in the environment of a [Command] becomes a free port.
const Port = "{port}"

// Command is a server to start. It prints http://127.0.0.1:PORT on its output once it listens, or
// takes its port from its environment, see [Port].
type Command struct {
	Args []string // the program and its arguments
	Env  []string // the environment, without PATH and HOME, which are those of this process
	Dir  string   // the working directory, "" for the one of this process
	Core int      // the only core that the server may use, [AnyCore] for all
}

// Process is a server that runs. Its methods may be called from any goroutine.
type Process struct {
	// Addr is host:port of the server's listener.
	Addr string

	cmd    *exec.Cmd
	output output
	ended  chan struct{} // closed when the process has ended
}

// Start starts a server and waits until it listens. The error of a server that does not start holds
// the end of its output. Stop must be called for every process that Start returned. When this
// program dies, the kernel ends the server.
func Start(ctx context.Context, c Command) (*Process, error) {
	env, chosen, err := environment(c.Env)
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(c.Args[0], c.Args[1:]...), ended: make(chan struct{})}
	p.output = output{address: make(chan string, 1), found: chosen != ""}
	p.cmd.Env, p.cmd.Dir = env, c.Dir
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.WaitDelay = time.Second
	// Its own process group keeps Ctrl-C of the terminal away, so that the server ends only by
	// Stop.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = startOn(c.Core, p.cmd)
	if p.cmd.Process == nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	if err == nil {
		err = p.listens(ctx, chosen)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// listens waits until the server listens, on the address given or on the one that it prints.
func (p *Process) listens(ctx context.Context, chosen string) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	if chosen != "" {
		go connect(ctx, chosen, p.output.address)
	}
	select {
	case p.Addr = <-p.output.address:
		return nil
	case <-p.ended:
		return fmt.Errorf("%s: %w", p.cmd.ProcessState, p.output.lastLines())
	case <-ctx.Done():
		return fmt.Errorf("it does not listen: %w: %w", ctx.Err(), p.output.lastLines())
	}
}

// Stop kills the process and waits until it has ended.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // the only error is that it has ended already
	<-p.ended
}

// CPU returns the processor time that the process has used in all its threads, in user and kernel
// mode, to the nanosecond. /proc/PID/stat has the same figure in ticks of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	// The clock of a process as clock_getcpuclockid(3) makes it: the inverted id, and
	// CPUCLOCK_SCHED (2).
	return clock(int32(^p.cmd.Process.Pid<<3 | 2))
}

// OwnCPU returns the processor time that this process has used.
func OwnCPU() (time.Duration, error) { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// Resident returns the bytes of the process that are in memory. Buffers of sockets belong to the
// kernel and are not part of it.
func (p *Process) Resident() (int64, error) {
	return resident(os.ReadFile, p.cmd.Process.Pid)
}

// Peak returns the most bytes that the process had in memory since its start or the last ResetPeak.
func (p *Process) Peak() (int64, error) { return peak(p.cmd.Process.Pid) }

// ResetPeak starts a new measurement of Peak.
func (p *Process) ResetPeak() error { return resetPeak(p.cmd.Process.Pid) }

// Pid returns the id of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }
