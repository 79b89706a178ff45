//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// report prints, for each transport, a table of the ratios to Roomcast and one of the figures, then
// how they were taken.
func (b *bench) report(out io.Writer) error {
	var text bytes.Buffer
	for _, transport := range []string{webSocket, eventSource} {
		var names []string
		for _, p := range b.peers {
			if p.transport == transport {
				names = append(names, p.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		// Roomcast is the first one: each transport has it.
		if others := names[1:]; len(others) > 0 {
			fmt.Fprintf(&text, "%s, ratio to Roomcast:\n\n", transport)
			b.table(&text, others, figure.labelOfRatio, func(name string, n int, f figure) float64 {
				return b.results.ratio(transport+", "+name, transport+", "+roomcast, n, f)
			})
		}
		fmt.Fprintf(&text, "%s, %s:\n\n", transport, medianOf(b.rounds))
		b.table(&text, names, figure.String, func(name string, n int, f figure) float64 {
			return b.results.median(transport+", "+name, n, f)
		})
	}
	for _, line := range b.notes {
		fmt.Fprintf(&text, "* %s\n", line)
	}
	fmt.Fprintf(&text, "* %s\n* `%s`\n", b.machine(), b.command)
	_, err := text.WriteTo(out)
	return err
}

func medianOf(rounds int) string {
	if rounds == 1 {
		return "one round"
	}
	return fmt.Sprintf("medians of %d rounds", rounds)
}

// table prints a Markdown table with a row for each figure and a column for each name. A cell has a
// value for each number of clients.
func (b *bench) table(
	out io.Writer, names []string,
	label func(figure) string, value func(name string, n int, f figure) float64,
) {
	sizes := make([]string, len(b.sizes))
	for i, n := range b.sizes {
		sizes[i] = count(n)
	}
	fmt.Fprintf(out, "| N = %s | %s |\n", strings.Join(sizes, " / "), strings.Join(names, " | "))
	fmt.Fprintf(out, "|%s\n", strings.Repeat(" --- |", len(names)+1))
	for f := range figureCount {
		fmt.Fprintf(out, "| %s |", label(f))
		for _, name := range names {
			cells := make([]string, len(b.sizes))
			for i, n := range b.sizes {
				cells[i] = number(value(name, n, f))
			}
			fmt.Fprintf(out, " %s |", strings.Join(cells, " / "))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
}

// machine says where the figures come from.
func (b *bench) machine() string {
	parts := []string{processor(), runtime.GOOS + " " + kernel(), runtime.Version()}
	if version, err := exec.Command("node", "--version").Output(); err == nil {
		parts = append(parts, "Node "+strings.TrimSpace(string(version)))
	}
	if b.pin {
		cores := fmt.Sprintf("server on core %d, clients on core %d", b.serverCore, b.loadCore)
		parts = append(parts, cores)
	} else {
		parts = append(parts, "not pinned")
	}
	parts = append(parts, fmt.Sprintf("notifications of %d bytes", len(note)))
	return strings.Join(parts, ", ")
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the number of cores has to do
	cores, model := bytes.Count(text, []byte("processor\t:")), ""
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d cores %s", max(cores, runtime.NumCPU()), model))
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}
