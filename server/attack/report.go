//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// failures lists what was not within the figure.
func (r result) failures() (failed []string) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			failed = append(failed, fmt.Sprintf(format, args...))
		}
	}
	f := r.Figure
	others := f.Others
	if others == 0 {
		others = max(calm, 2*r.idle.P99)
	}
	add(f.Growth > 0 && r.peak-r.before > f.Growth, "RSS + %s", megabytes(r.peak-r.before))
	add(f.CPU > 0 && r.cpu > f.CPU, "CPU %.0f %%", 100*r.cpu)
	add(f.PerRequest > 0 && r.perRequest > f.PerRequest, "%v a request", round(r.perRequest))
	add(f.Closed > 0 && r.closed > f.Closed, "closed after %v", round(r.closed))
	add(f.Closed > 0 && r.open > 0, "%d not closed", r.open)
	// A message is late by the noise up to three times: its publisher, the server and its reader.
	add(r.during.P99 > others+3*r.during.Noise, "p99 %v", round(r.during.P99))
	add(r.during.Closed > 0, "%d other clients closed", r.during.Closed)
	add(r.during.Missing > 0, "%d deliveries to others missing", r.during.Missing)
	add(f.Peak > 0 && r.peak > f.Peak, "RSS %s", megabytes(r.peak))
	add(r.during.Refused > 0 && !f.Sheds, "%d publishes for others refused", r.during.Refused)
	return append(failed, r.faults...)
}

func (r result) verdict() string {
	if r.err != nil {
		return "not run: " + r.err.Error()
	}
	if failed := r.failures(); len(failed) > 0 {
		return "FAIL: " + strings.Join(failed, "; ")
	}
	return "pass"
}

// report prints the table. The error is errFailed if an attack failed or did not run.
func report(out io.Writer, results []result) error {
	var text bytes.Buffer
	fmt.Fprintln(&text, "| row | attack | RSS before / peak / after | CPU "+
		"| others' p99 idle / during (noise) | what the server did | figure | verdict |")
	fmt.Fprintln(&text, "|"+strings.Repeat(" --- |", 8))
	bad := 0
	for _, r := range results {
		verdict := r.verdict()
		if verdict != "pass" {
			bad++
		}
		cpu := fmt.Sprintf("%.0f %%", 100*r.cpu)
		if r.Figure.PerRequest > 0 {
			cpu += fmt.Sprintf(", %v a request", round(r.perRequest))
		}
		cells := []string{
			r.Row, r.Name,
			megabytes(r.before) + " / " + megabytes(r.peak) + " / " + megabytes(r.after), cpu,
			fmt.Sprintf("%v / %v (%v)", round(r.idle.P99), round(r.during.P99), round(r.during.Noise)),
			r.did, r.Figure.String(), verdict,
		}
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "|", "\\|")
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(&text, "\n%d of %d within their figures. noise: p99 of how late timers of the "+
		"other clients were; others' p99 may exceed its figure by three times that.\n",
		len(results)-bad, len(results))
	if _, err := text.WriteTo(out); err != nil {
		return err
	}
	if bad > 0 {
		return errFailed
	}
	return nil
}

func printList(out io.Writer, chosen []Attack) error {
	var text bytes.Buffer
	for _, a := range chosen {
		fmt.Fprintf(&text, "%-12s %s: %s\n", a.Row, a.Name, a.Figure)
	}
	_, err := text.WriteTo(out)
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/(1<<20)) }

// round leaves the digits of a duration that matter.
func round(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
