//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the clients that behave well run from this program, as they do from the command.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "crowd" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-run", "deaf", "-short", "-binary", "old"}, io.Discard)
	if err != nil || o.only.String() != "deaf" || !o.short || o.binary != "old" || o.list {
		t.Errorf("%+v, %v", o, err)
	}
	for args, want := range map[string]string{
		"-run (": "-run: ",
		"more":   `unexpected argument "more"`,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
	if _, err = parse([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// TestAttacksAreComplete checks that the table has something to say about each attack.
func TestAttacksAreComplete(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, a := range attacks() {
		if a.Name == "" || a.Row == "" || a.Run == nil || a.Figure == (Figure{}) {
			t.Errorf("%q, row %q, has the figure %q", a.Name, a.Row, a.Figure)
		}
		if names[a.Name] {
			t.Errorf("two attacks are named %q", a.Name)
		}
		names[a.Name] = true
	}
	if got := choose(attacks(), regexp.MustCompile("^D11$")); len(got) != 2 {
		t.Errorf("row D11 has %d attacks", len(got))
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	figure := Figure{Growth: 8 << 20, CPU: 0.05, Closed: 10 * time.Second}
	good := result{
		Attack: Attack{Figure: figure}, before: 20 << 20, peak: 28 << 20, cpu: 0.05,
		closed: 10 * time.Second, idle: sight{P99: time.Millisecond},
		during: sight{P99: calm + 300*time.Millisecond, Noise: 100 * time.Millisecond},
	}
	x := []string{"x"}
	for want, change := range map[string]func(r *result){
		"pass":                                    func(*result) {},
		"FAIL: RSS + 9 MB":                        func(r *result) { r.peak += 1 << 20 },
		"FAIL: CPU 94 %":                          func(r *result) { r.cpu = 0.94 },
		"FAIL: closed after 11s":                  func(r *result) { r.closed += time.Second },
		"FAIL: 3 not closed":                      func(r *result) { r.open = 3 },
		"FAIL: p99 500ms":                         func(r *result) { r.during.P99 += 100 * time.Millisecond },
		"FAIL: 1 other clients closed":            func(r *result) { r.during.Closed = 1 },
		"FAIL: 2 deliveries to others missing":    func(r *result) { r.during.Missing = 2 },
		"FAIL: 5 publishes for others refused; x": func(r *result) { r.during.Refused, r.faults = 5, x },
		"not run: no server":                      func(r *result) { r.err = errors.New("no server") },
	} {
		r := good
		change(&r)
		if got := r.verdict(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for size, head := range map[int]string{
		0: "\x81\x80", 125: "\x81\xfd", 126: "\x81\xfe\x00\x7e",
		1 << 16: "\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		got := frame(finText, make([]byte, size))
		if want := append([]byte(head), make([]byte, 4+size)...); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %x…", size, got[:min(len(got), 20)])
		}
	}
	// RFC 7541, C.1.2 has 1337 with a prefix of 5 bits; with 7 bits it is 127 + 1210.
	for n, want := range map[int]string{10: "\x0a", 127: "\x7f\x00", 1337: "\x7f\xba\x09"} {
		if got := string(length(nil, n)); got != want {
			t.Errorf("%d: got %x, want %x", n, got, want)
		}
	}
	if got := lastString(`42["connected",{"a":"b"},"5f3a9c01-7"]`); got != "5f3a9c01-7" {
		t.Errorf("the offset is %q", got)
	}
}

// TestSmoke runs three attacks against the real binary, over TLS too. The verdicts depend on the
// machine; that each attack took place does not.
func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var table strings.Builder
	args := []string{"-short", "-run", "guesses|many levels|flood of SETTINGS"}
	err := run(ctx, args, &table, io.Discard)
	if err != nil && !errors.Is(err, errFailed) {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| .* MB / .* (pass|FAIL: .*) \|$`)
	rows := row.FindAllString(table.String(), -1)
	if len(rows) != 3 {
		t.Errorf("%d rows, want 3:\n%s", len(rows), table.String())
	}
}
