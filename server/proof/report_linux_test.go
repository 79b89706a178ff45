package proof

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

// table is the short form of the figures, in Markdown.
func table(m machine, results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %.0f GB, at most %d open files; load average before the run "+
		"%s, by other work; %s, Node %s.\n\n", m.Date, m.Cores, m.MemoryGB, m.Files, m.Load, m.Go, m.Node)
	b.WriteString("| workload | clients (in Node) | deliveries | delivered | lost / repeated / " +
		"out of order / gaps | recovered | p50 / p99 / longest, s | back after, s |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		if r.Memory != nil {
			continue
		}
		back := "–"
		if len(r.Back) > 0 {
			back = strings.Join(strings.Fields(strings.Trim(fmt.Sprintf("%.1f", r.Back), "[]")), ", ")
		}
		recovered := "–"
		if r.Reconnects > 0 {
			recovered = fmt.Sprintf("%.2f %%", r.Recovered)
		}
		fmt.Fprintf(&b, "| %s | %d (%d) | %d | %.3f %% | %d / %d / %d / %d | %s | %.2f / %.2f / %.2f "+
			"| %s |\n", r.Workload, r.Clients, r.NodeClients, r.Deliveries, r.Delivered, r.Lost, r.Repeated,
			r.OutOfOrder, r.Gaps, recovered, r.P50, r.P99, r.Max, back)
	}
	for _, r := range results {
		if r.Healthy > 0 {
			fmt.Fprintf(&b, "\nDisk full: %d publishes were refused with 503, %d were acknowledged, no "+
				"connection ended, and a publish was accepted %.2f s after there was room again.\n",
				r.Refused, r.Acknowledged, r.Healthy)
		}
		if r.Memory != nil {
			fmt.Fprintf(&b, "\nIdle, %d clients, half of them EventSource: %.1f MB without `DATA_DIR` "+
				"(%.1f KB for each client), %.1f MB with it (%.1f KB); without clients %.1f and %.1f MB.\n",
				r.Clients, r.Memory["memoryMB"], r.Memory["memoryKBPerClient"], r.Memory["diskMB"],
				r.Memory["diskKBPerClient"], r.Memory["memoryEmptyMB"], r.Memory["diskEmptyMB"])
		}
	}
	return b.String()
}

const (
	tableBegin = "<!-- make proof writes from here -->\n"
	tableEnd   = "<!-- to here -->\n"
)

// replaceTable puts a text between the marks of a page.
func replaceTable(page, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table", page)
	}
	return os.WriteFile(page, []byte(before+tableBegin+"\n"+text+"\n"+tableEnd+after), 0o644)
}

const (
	chartWidth  = 760
	chartHeight = 150 // of one workload
	barsHeight  = 90
)

// picture shows, for each workload, how long after its publish each delivery was made.
func picture(m machine, results []result) string {
	var charts []result
	for _, r := range results {
		if r.Histogram != nil {
			charts = append(charts, r)
		}
	}
	height := 50 + chartHeight*len(charts)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif"`+
		` font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<text x="20" y="24" font-size="15">Time from publish to delivery, absences of the `+
		`clients included (%s, %d cores)</text>`+"\n", m.Date, m.Cores)
	for i, r := range charts {
		chart(&b, 50+i*chartHeight, r)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func chart(b *strings.Builder, top int, r result) {
	fmt.Fprintf(b, `<text x="20" y="%d"><tspan font-weight="bold">%s</tspan>: %d clients, %d deliveries, `+
		`%.3f %% delivered, p99 %.2f s</text>`+"\n", top, r.Workload, r.Clients, r.Deliveries,
		r.Delivered, r.P99)
	most, width := 1, (chartWidth-40)/len(r.Histogram)
	for _, n := range r.Histogram {
		most = max(most, n)
	}
	total := max(1, r.Deliveries)
	for i, n := range r.Histogram {
		h := n * (barsHeight - 20) / most
		x, y := 20+i*width, top+10+barsHeight-h
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="#2f6fde"/>`, x, y, width-6,
			max(h, min(n, 1)))
		if n > 0 {
			fmt.Fprintf(b, `<text x="%d" y="%d" font-size="10">%s %%</text>`, x, y-3,
				percent(100*float64(n)/float64(total)))
		}
		label := "longer"
		if i < len(bounds) {
			label = fmt.Sprintf("≤ %g s", bounds[i])
		}
		fmt.Fprintf(b, `<text x="%d" y="%d" font-size="10" fill="#555">%s</text>`+"\n", x,
			top+barsHeight+24, label)
	}
}

// percent has three digits for what is small.
func percent(f float64) string {
	return strings.TrimSuffix(cmp.Or(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), "0"), ".")
}
