//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

// profileAll saves profiles of Roomcast with each number of clients, in the directory of the flag.
// Its runs are no part of the figures.
func (b *bench) profileAll(ctx context.Context) error {
	if b.profile == "" {
		return nil
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	for _, n := range b.sizes {
		for _, p := range b.peers {
			if p.name != roomcast {
				continue
			}
			if err := b.profileOne(ctx, p, n); err != nil {
				return fmt.Errorf("profile of %s: %w", at(p, n), err)
			}
			fmt.Fprintf(b.progress, "profiles of %s are in %s\n", at(p, n), b.profile)
		}
	}
	return nil
}

// profileOne saves profiles of the memory with idle clients, and of the CPU with a steady stream.
func (b *bench) profileOne(ctx context.Context, p peer, n int) error {
	admin, err := process.FreeAddress()
	if err != nil {
		return err
	}
	// One sample in 8 KiB is enough for the memory of a thousand clients; the default is 512 KiB.
	const rate = "GODEBUG=memprofilerate=8192"
	t, err := b.start(ctx, p, n, "ADMIN_PPROF=on", "ADMIN_ADDR="+admin, rate)
	if err != nil {
		return err
	}
	defer t.stop()
	f := none()
	if err := t.join(ctx, &f); err != nil {
		return err
	}
	if err := t.save(ctx, admin, "idle", map[string]string{
		"heap.pprof": "/debug/pprof/heap?gc=1", "allocs.pprof": "/debug/pprof/allocs",
		"goroutines.txt": "/debug/pprof/goroutine?debug=1", "metrics.txt": "/metrics",
	}); err != nil {
		return err
	}
	seconds := max(1, int(t.duration.Seconds())) // a profile is of whole seconds
	saved := make(chan error, 1)
	go func() {
		saved <- t.save(ctx, admin, "steady", map[string]string{
			"cpu.pprof": fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds),
		})
	}()
	_, err = t.publish(ctx, t.pattern(1, underWay), time.Duration(seconds)*time.Second)
	if saveErr := <-saved; err == nil {
		err = saveErr
	}
	if err != nil {
		return err
	}
	return t.save(ctx, admin, "steady", map[string]string{
		"heap.pprof": "/debug/pprof/heap", "allocs.pprof": "/debug/pprof/allocs",
	})
}

// save writes pages of the second listener into files such as websocket-1000-idle-heap.pprof.
func (t *trial) save(ctx context.Context, admin, when string, pages map[string]string) error {
	for file, page := range pages {
		name := fmt.Sprintf("%s-%d-%s-%s", strings.ToLower(t.peer.transport), t.n, when, file)
		err := download(ctx, "http://"+admin+page, filepath.Join(t.profile, name))
		if err != nil {
			return err
		}
	}
	return nil
}

func download(ctx context.Context, url, file string) error {
	ctx, cancel := context.WithTimeout(ctx, phaseDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return os.WriteFile(file, body, 0o644)
}
