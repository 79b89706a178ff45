//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// figure is a row of the tables.
type figure int

const (
	perClient figure = iota
	perHandshake
	perDelivery
	perSteady
	perBurst
	steadyRate
	burstRate
	figureCount
	noFigure figure = -1
)

// figures are the results of one run, NaN where there is none.
type figures [figureCount]float64

func (f figure) String() string {
	return [figureCount]string{
		perClient:    "resident KB per idle client",
		perHandshake: "CPU µs per handshake",
		perDelivery:  "CPU µs per delivery, one at a time",
		perSteady:    "CPU µs per delivery, steady",
		perBurst:     "CPU µs per delivery, in bursts of 20",
		steadyRate:   "deliveries/s, steady, k",
		burstRate:    "deliveries/s in bursts of 20, k",
	}[f]
}

// labelOfRatio says also which way the figure improves.
func (f figure) labelOfRatio() string {
	if f == steadyRate || f == burstRate {
		return f.String() + " (more is better)"
	}
	return f.String() + " (less is better)"
}

func (f figures) String() string {
	return fmt.Sprintf("%s KB, %s µs a handshake, %s, %s and %s µs a delivery, %s and %s k/s",
		number(f[perClient]), number(f[perHandshake]), number(f[perDelivery]), number(f[perSteady]),
		number(f[perBurst]), number(f[steadyRate]), number(f[burstRate]))
}

// results are the figures of all rounds.
type results map[resultKey][]figures

type resultKey struct {
	peer string
	n    int
}

func (r results) add(peer string, n int, f figures) {
	key := resultKey{peer, n}
	r[key] = append(r[key], f)
}

// median returns the median over the rounds, NaN if no round has the figure.
func (r results) median(peer string, n int, f figure) float64 {
	return median(r.values(peer, n, f))
}

// ratio returns the median of peer's figure divided by base's. It divides within each round,
// because other work of the machine disturbed both.
func (r results) ratio(peer, base string, n int, f figure) float64 {
	of, to := r.values(peer, n, f), r.values(base, n, f)
	var ratios []float64
	for i := range min(len(of), len(to)) {
		ratios = append(ratios, of[i]/to[i])
	}
	return median(ratios)
}

func (r results) values(peer string, n int, f figure) []float64 {
	var values []float64
	for _, round := range r[resultKey{peer, n}] {
		values = append(values, round[f])
	}
	return values
}

// median ignores NaN. It is NaN without values, and the mean of the two in the middle of an even
// number.
func median(values []float64) float64 {
	known := slices.DeleteFunc(slices.Clone(values), func(v float64) bool {
		return math.IsNaN(v) || math.IsInf(v, 0)
	})
	if len(known) == 0 {
		return math.NaN()
	}
	slices.Sort(known)
	middle := len(known) / 2
	if len(known)%2 == 0 {
		return (known[middle-1] + known[middle]) / 2
	}
	return known[middle]
}

// number formats a figure to two or three digits that matter: 0.65, 4.8, 25.1, 520, 1,108. NaN is a
// dash.
func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	decimals := 0
	switch size := math.Abs(v); {
	case size < 1:
		decimals = 2
	case size < 99.95:
		decimals = 1
	}
	if decimals == 0 {
		return count(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// count formats a whole number: 20, 1,000.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
