//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the bare servers run from this program, as they do from the command.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "bare" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-n", "10, 20", "-peers", "bare|Node"}, io.Discard)
	if err != nil || !slices.Equal(o.sizes, []int{10, 20}) || o.rounds != 3 || !o.pin ||
		o.command != "go run ./server/bench -n '10, 20' -peers 'bare|Node'" {
		t.Errorf("%+v, %v", o, err)
	}
	for args, want := range map[string]string{
		"-n 0":        "not a number from 1 to",
		"-n 1,x":      `"x" is not a number`,
		"-rounds 0":   "must be positive",
		"-time 0s":    "must be positive",
		"-settle -1s": "must not be negative",
		"-peers (":    "-peers: ",
		"more":        `unexpected argument "more"`,
	} {
		_, err := parse(strings.Fields(args), io.Discard)
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
	_, err = parse([]string{"-h"}, io.Discard)
	if !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestChosenPeers(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"bare epoll": "WebSocket, Roomcast; WebSocket, bare epoll",
		"better|hijack": "EventSource, Roomcast; EventSource, better-sse on Node; " +
			"EventSource, bare, hijacked",
		"other": "WebSocket, Roomcast; EventSource, Roomcast; " +
			"WebSocket, the other Roomcast; EventSource, the other Roomcast",
		"nobody": "",
	} {
		b := &bench{options: options{only: regexp.MustCompile(pattern)}}
		var names []string
		for _, p := range b.chosen(places{against: "old"}.peers()) {
			names = append(names, p.String())
		}
		if got := strings.Join(names, "; "); got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
	}
}

func TestNotificationIsWhatTheTablesSay(t *testing.T) {
	t.Parallel()
	if len(note) != 200 || !json.Valid([]byte(note)) {
		t.Errorf("%d bytes: %s", len(note), note)
	}
	if n := strings.Count(streamEvent, string(mark)); n != 1 {
		t.Errorf("the mark is in an event %d times", n)
	}
	for n, want := range map[int]int{1: 1, 20: 20} {
		_, body, _ := bytes.Cut(publishRoomcast("h", n), []byte("\r\n\r\n"))
		if got := bytes.Count(body, []byte(`"target"`)); got != want || !json.Valid(body) {
			t.Errorf("%d notifications: %d in %s", n, got, body)
		}
	}
}

// TestSmoke measures the real binary and the bare servers with few clients. A deadline on it all is
// the only demand on the speed of the machine.
func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	profiles := t.TempDir()
	var tables strings.Builder
	args := []string{"-n", "20", "-rounds", "1", "-time", "50ms", "-settle", "1ms", "-pin=false",
		"-peers", "Roomcast|bare", "-profile", profiles}
	if err := run(ctx, args, &tables, io.Discard); err != nil {
		t.Fatal(err)
	}
	// Two tables for each transport; a figure that is missing is a dash. With 20 clients, the process
	// may be no larger than before, and then there is no ratio.
	complete := regexp.MustCompile(`(?m)^\| (resident KB [^|]+ (\| – |\| -?\d[\d.,]* )+` +
		`|[^|]+ (\| -?\d[\d.,]* )+)\|$`)
	if rows := complete.FindAllString(tables.String(), -1); len(rows) != 4*int(figureCount) {
		t.Errorf("%d complete rows, want %d:\n%s", len(rows), 4*figureCount, tables.String())
	}
	for _, transport := range []string{"websocket", "eventsource"} {
		for _, name := range []string{"idle-heap.pprof", "idle-metrics.txt", "steady-cpu.pprof"} {
			file := filepath.Join(profiles, fmt.Sprintf("%s-20-%s", transport, name))
			if info, err := os.Stat(file); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
