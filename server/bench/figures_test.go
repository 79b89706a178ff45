//go:build linux

package main

import (
	"math"
	"testing"
)

var missing = math.NaN()

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestMedian(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []float64
		want   float64
	}{
		"no value":          {nil, missing},
		"one":               {[]float64{3}, 3},
		"odd, not in order": {[]float64{9, 1, 5}, 5},
		"even":              {[]float64{4, 1, 2, 100}, 3},
		"missing rounds":    {[]float64{missing, 7, missing}, 7},
		"no round":          {[]float64{missing, missing}, missing},
		"division by zero":  {[]float64{math.Inf(1), 2}, 2},
	} {
		if got := median(c.values); !same(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	values := []float64{3, 1, 2}
	if median(values); values[0] != 3 {
		t.Error("the median sorted the values of the caller")
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0.00", 0.074: "0.07", 0.649: "0.65", 1: "1.0", 4.84: "4.8", 25.06: "25.1",
		99.94: "99.9", 99.96: "100", 519.6: "520", 1108: "1,108", 10_000: "10,000",
		1_234_567: "1,234,567", -0.5: "-0.50", -3: "-3.0", -123456: "-123,456",
		missing: "–",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 5000: "5,000", 1_234_567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestRatioIsTakenWithinEachRound(t *testing.T) {
	t.Parallel()
	r := make(results)
	// The machine was slow in the second round.
	for _, round := range [][2]float64{{10, 20}, {100, 100}, {1, 3}} {
		base, other := none(), none()
		base[perDelivery], other[perDelivery] = round[0], round[1]
		r.add("base", 1000, base)
		r.add("other", 1000, other)
	}
	if got := r.ratio("other", "base", 1000, perDelivery); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
	if got := r.median("other", 1000, perDelivery); got != 20 {
		t.Errorf("median %v, want 20", got)
	}
	for name, got := range map[string]float64{
		"another figure": r.ratio("other", "base", 1000, perClient),
		"another size":   r.median("other", 5000, perDelivery),
		"another peer":   r.ratio("nobody", "base", 1000, perDelivery),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s has %v", name, got)
		}
	}
}
