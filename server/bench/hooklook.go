package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func perEvent(from, to time.Duration, events int) float64 {
	return microseconds(to-from) / float64(max(1, events))
}

// look is what the processes have used so far.
type look struct {
	server, handler   time.Duration // processor time
	resident          int64
	goroutines, files int
	Events, Disorder  int // of the handler
	Forged            int
}

func (h *hookBench) look(ctx context.Context) (l look, err error) {
	if l.server, err = h.server.CPU(); err != nil {
		return l, err
	}
	if l.handler, err = h.handler.CPU(); err != nil {
		return l, err
	}
	if l.resident, err = h.server.Resident(); err != nil {
		return l, err
	}
	counts, err := get(ctx, "http://"+h.handler.Addr+"/")
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal([]byte(counts), &l); err != nil {
		return l, err
	}
	metrics, err := get(ctx, "http://"+h.admin+"/metrics")
	if err != nil {
		return l, err
	}
	for lines := bufio.NewScanner(strings.NewReader(metrics)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			l.goroutines = int(n)
		case "process_open_fds":
			l.files = int(n)
		}
	}
	return l, nil
}

func get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
