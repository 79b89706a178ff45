package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/limit"
)

// memoryCollector exports the memory in use, its limit, and what was refused or cut when it was
// short.
type memoryCollector struct {
	memory *limit.Memory
	hub    *notify.Hub
	m      *Metrics
}

var (
	descMemoryUsed  = metricDesc("memory_used_bytes", "Memory in use that counts for the limit.")
	descMemoryLimit = metricDesc("memory_limit_bytes", "The lower one of GOMEMLIMIT and the limit of the cgroup.")
	descMemoryShort = metricDesc("memory_short", "1 while new connections and publishes are refused because memory is short.")
	descShed        = metricDesc("shed_total", "Connections and publishes refused, and connections cut, because memory was short.", "what")
)

// WatchMemory adds the metrics of the memory and its limit. Without a limit there are none. Call it
// once.
func (m *Metrics) WatchMemory(memory *limit.Memory) {
	if memory != nil {
		m.registry.MustRegister(memoryCollector{memory, m.hub, m})
	}
}

// Cut counts a connection that was cut because memory was short.
func (m *Metrics) Cut() { m.cut.Add(1) }

func (c memoryCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descMemoryUsed, descMemoryLimit, descMemoryShort, descShed} {
		ch <- d
	}
}

func (c memoryCollector) Collect(ch chan<- prometheus.Metric) {
	used, most := c.memory.Usage()
	short := 0.0
	if c.memory.IsShort() {
		short = 1
	}
	for d, value := range map[*prometheus.Desc]float64{descMemoryUsed: float64(used),
		descMemoryLimit: float64(most), descMemoryShort: short} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	for what, n := range map[string]float64{"connection": float64(c.memory.Refused()),
		"publish": float64(c.hub.Shedding()), "laggard": float64(c.m.cut.Load())} {
		ch <- prometheus.MustNewConstMetric(descShed, prometheus.CounterValue, n, what)
	}
}
