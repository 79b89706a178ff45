//go:build linux

package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Module is the path of the module that this program belongs to.
const Module = "github.com/roomcast/roomcast"

// Build builds the roomcast binary of the module in the working directory, and returns its path
// below directory.
func Build(ctx context.Context, directory string) (string, error) {
	binary := filepath.Join(directory, "roomcast")
	_, err := Output(ctx, "", "go", "build", "-o", binary, Module)
	return binary, err
}

// Output runs a command and returns its standard output, without the space around it. The error
// holds the end of its standard error.
func Output(ctx context.Context, directory, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = directory
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		text := bytes.TrimSpace(stderr.Bytes())
		return "", fmt.Errorf("%s %s: %w: %s", program, args[0], err, text[max(0, len(text)-500):])
	}
	return strings.TrimSpace(string(out)), nil
}

// RaiseFileLimit allows this process, and the servers that it starts, as many open files as the
// system allows, and returns their number.
func RaiseFileLimit() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("file limit: %w", err)
	}
	// Set even when it is high enough: without a call the os package gives children the limit that
	// it found.
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("file limit: %w", err)
	}
	return int(min(limit.Max, 1<<30)), nil
}
