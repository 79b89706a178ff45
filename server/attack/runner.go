//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

const (
	idleTime = 2 * time.Second // for the figures without an attack
	// longest ends an attack that makes no progress.
	longest = 3 * time.Minute
	// settle is the time after an attack in which the server may free what it holds.
	settle = 2 * time.Second
)

// runner runs attacks one after the other.
type runner struct {
	options
	self      string // this program
	directory string // temporary
	files     int
	// certificate are the settings of a server with TLS.
	certificate []string
}

// settings are those of every server. The limits are the defaults, except for those of a benchmark.
func (r *runner) settings() []string {
	return []string{
		"HOST=127.0.0.1", "PORT=" + process.Port, "ADMIN_ADDR=off", "LOG_LEVEL=error",
		"AUTH_MODE=open", "API_KEYS=" + apiKey, "PUBLISH_RATE=0", "SSE_MAX_CONNECTIONS=10000",
		"HANDSHAKE_RATE=0", // the other limits must be enough
	}
}

// result is a row of the table.
type result struct {
	Attack
	before, peak, after int64         // bytes of resident memory
	cpu                 float64       // cores, above those without an attack
	perRequest          time.Duration // processor time, 0 without requests
	idle, during        sight
	did                 string
	closed              time.Duration // the longest life of a connection that the server closed
	open                int           // connections that the server did not close
	faults              []string
	err                 error
}

// attack starts a server and its clients, and runs one attack.
func (r *runner) attack(ctx context.Context, a Attack) (row result) {
	row.Attack = a
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	settings := slices.Concat(r.settings(), a.Settings)
	scheme := "http"
	if a.TLS {
		settings, scheme = append(settings, r.certificate...), "https"
	}
	args := []string{r.binary}
	if a.Files > 0 {
		args = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0"`, a.Files), r.binary}
	}
	server, err := process.Start(ctx, process.Command{
		Args: args, Env: settings, Dir: r.directory, Core: process.AnyCore,
	})
	if err != nil {
		row.err = fmt.Errorf("the server did not start: %w", err)
		return row
	}
	defer server.Stop()
	others, err := startCrowd(r.self, scheme+"://"+server.Addr)
	if err != nil {
		row.err = fmt.Errorf("the other clients did not start: %w", err)
		return row
	}
	defer others.stop()
	t := &target{addr: server.Addr, secure: a.TLS, short: r.short, files: r.files,
		server: server, client: newClient()}
	defer t.client.CloseIdleConnections()
	row.err = r.measure(ctx, t, others, &row)
	row.did, row.closed, row.open, row.faults = t.did.String(), t.did.last, t.did.open, t.faults
	return row
}

// measure takes the figures before, during and after the attack.
func (r *runner) measure(ctx context.Context, t *target, others *others, row *result) error {
	start, used := time.Now(), time.Duration(0)
	t.restart = func() (err error) {
		t.did.begin()
		start = time.Now()
		if row.before, err = t.server.Resident(); err != nil {
			return err
		}
		if err := t.server.ResetPeak(); err != nil {
			return err
		}
		if _, err = others.look(); err != nil {
			return err
		}
		used, err = t.server.CPU()
		return err
	}
	if err := t.restart(); err != nil {
		return err
	}
	wait(ctx, t.hold(idleTime))
	idle, err := t.share(start, used)
	if err != nil {
		return err
	}
	if row.idle, err = others.look(); err != nil {
		return err
	}
	if err := t.restart(); err != nil {
		return err
	}
	if err := row.Run(ctx, t); err != nil {
		return err
	}
	took := time.Since(start)
	share, err := t.share(start, used)
	if err != nil {
		return err
	}
	row.cpu = max(0, share-idle)
	if n := t.requests.Load(); n > 0 {
		row.perRequest = time.Duration(row.cpu * float64(took) / float64(n))
	}
	if row.peak, err = t.server.Peak(); err != nil {
		return err
	}
	if row.during, err = others.look(); err != nil {
		return err
	}
	wait(ctx, t.hold(settle))
	row.after, err = t.server.Resident()
	return err
}

// share is how many cores the server has used on average since start, when it had used so much
// time.
func (t *target) share(start time.Time, used time.Duration) (float64, error) {
	now, err := t.server.CPU()
	if err != nil {
		return 0, fmt.Errorf("the server has ended: %w", err)
	}
	return float64(now-used) / float64(time.Since(start)), nil
}

// others is the process of the clients that behave well.
type others struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startCrowd(self, server string) (*others, error) {
	cmd := exec.Command(self, "crowd", server)
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Dir = filepath.Dir(self)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	o := &others{cmd, in, bufio.NewReader(out)}
	if line, err := o.out.ReadString('\n'); err != nil {
		o.stop()
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	return o, nil
}

// look returns what the clients have seen since the last look.
func (o *others) look() (s sight, err error) {
	if _, err := io.WriteString(o.in, "look\n"); err != nil {
		return s, err
	}
	line, err := o.out.ReadBytes('\n')
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(line, &s)
}

func (o *others) stop() {
	_ = o.in.Close()
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}
