//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

const (
	maxClients   = 100_000
	buildMinutes = 5
)

// bench is the state that all rounds share.
type bench struct {
	options
	progress io.Writer

	directory  string // temporary, for the binary
	peers      []peer
	notes      []string // lines below the tables
	serverCore int
	loadCore   int
	results    results
}

// prepare builds the binary, installs the packages of the other servers and pins this process.
// close must be called.
func prepare(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress, serverCore: process.AnyCore, results: make(results)}
	if err := raiseFileLimit(slices.Max(o.sizes)); err != nil {
		return nil, err
	}
	var err error
	if b.directory, err = os.MkdirTemp("", "roomcast-bench-"); err != nil {
		return nil, err
	}
	if err := b.install(ctx); err != nil {
		b.close()
		return nil, err
	}
	if o.pin {
		if b.serverCore, b.loadCore, err = process.Cores(); err == nil {
			err = process.PinSelf(b.loadCore)
		}
		if err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.directory) }

// install makes the servers ready that the flags ask for.
func (b *bench) install(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, buildMinutes*time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	binary, err := process.Build(ctx, b.directory)
	if err != nil {
		return err
	}
	if b.against != "" {
		if b.against, err = exec.LookPath(b.against); err != nil {
			return fmt.Errorf("-against: %w", err)
		}
	}
	directory, err := process.Output(ctx, "", "go", "list", "-f", "{{.Dir}}",
		process.Module+"/server/bench")
	if err != nil {
		return err
	}
	scripts := filepath.Join(directory, "peers")
	files := places{
		binary: binary, against: b.against, self: self, scripts: scripts,
		centrifugo: cmp.Or(os.Getenv("CENTRIFUGO"), "centrifugo"),
	}
	var missing error
	installed := false
	for _, p := range b.chosen(files.peers()) {
		if p.npm && !installed {
			missing, installed = installPackages(ctx, scripts), true
		}
		if p.npm && missing != nil {
			b.note("%s is left out: %v", p, missing)
			continue
		}
		b.peers = append(b.peers, p)
	}
	if len(b.peers) == 0 {
		return fmt.Errorf("-peers %s matches none of %q", b.only, files.peers())
	}
	return nil
}

// chosen returns the servers that -peers matches, and Roomcast on their transports.
func (b *bench) chosen(all []peer) []peer {
	transports := make(map[string]bool)
	for _, p := range all {
		transports[p.transport] = transports[p.transport] || b.only.MatchString(p.String())
	}
	return slices.DeleteFunc(slices.Clone(all), func(p peer) bool {
		return !transports[p.transport] || p.name != roomcast && !b.only.MatchString(p.String())
	})
}

// note adds a line below the tables, once.
func (b *bench) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !slices.Contains(b.notes, line) {
		b.notes = append(b.notes, line)
	}
	fmt.Fprintln(b.progress, line)
}

// installPackages runs npm ci, unless the installed packages are those of the lock file.
func installPackages(ctx context.Context, directory string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	lock, err := os.ReadFile(filepath.Join(directory, "package-lock.json"))
	if err != nil {
		return err
	}
	stamp := filepath.Join(directory, "node_modules", ".installed")
	if installed, err := os.ReadFile(stamp); err == nil && bytes.Equal(installed, lock) {
		return nil
	}
	// TypeScript, a peer dependency of Bun's engine, is not needed.
	ci := []string{"ci", "--omit=peer", "--no-audit", "--no-fund"}
	if _, err := process.Output(ctx, directory, "npm", ci...); err != nil {
		return err
	}
	return os.WriteFile(stamp, lock, 0o644)
}

// raiseFileLimit allows this process and the servers the descriptors that n clients take.
func raiseFileLimit(n int) error {
	const others = 100 // besides the clients
	limit, err := process.RaiseFileLimit()
	if err == nil && n+others > limit {
		err = fmt.Errorf("%d clients need %d open files, the limit is %d; see ulimit -Hn",
			n, n+others, limit)
	}
	return err
}
