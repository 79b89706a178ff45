package proof

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// proof is one run of all workloads.
type proof struct {
	binary  string
	clients int // written in Go
	nodes   int // real libraries
	lasts   time.Duration
}

// machine is where the figures were taken.
type machine struct {
	Date     string  `json:"date"`
	Cores    int     `json:"cores"`
	MemoryGB float64 `json:"memoryGB"`
	Files    int     `json:"openFiles"`
	Load     string  `json:"loadAverageBefore"` // of 1, 5 and 15 minutes: other work
	Go       string  `json:"go"`
	Node     string  `json:"node"`
}

// The workloads of make proof: jitter, avalanche, kill -9 during jitter, disk full, idle. Short forms
// of these faults are tests of the packages main and disklog.
func TestProof(t *testing.T) {
	directory := os.Getenv("ROOMCAST_PROOF")
	if directory == "" {
		t.Skip("runs in make proof and make soak only, for minutes")
	}
	p := &proof{clients: fromEnv(t, "N", 2000), nodes: 100, lasts: time.Minute}
	runtime.LockOSThread() // the kernel ends the servers with the thread that started them
	defer runtime.UnlockOSThread()
	files, err := process.RaiseFileLimit()
	check(t, err)
	if need := 2*p.clients + 6*p.nodes + 500; files < need {
		t.Skipf("%d open files are allowed, and %d clients need %d", files, p.clients, need)
	}
	p.binary, err = process.Build(t.Context(), t.TempDir())
	check(t, err)
	here, results := p.machine(t, files), []result{}
	for _, run := range []func(*testing.T) result{
		func(t *testing.T) result { return p.jitter(t, "jitter", 0) }, p.avalanche,
		func(t *testing.T) result { return p.jitter(t, "kill -9 during jitter", 4) }, p.full, p.idle,
	} {
		t.Run("", func(t *testing.T) { results = append(results, run(t)) })
	}
	text, err := json.MarshalIndent(map[string]any{"machine": here, "workloads": results}, "", "\t")
	check(t, err)
	check(t, os.WriteFile(directory+"/proof/results.json", append(text, '\n'), 0o644))
	check(t, os.WriteFile(directory+"/images/proof.svg", []byte(picture(here, results)), 0o644))
	check(t, replaceTable(directory+"/reliability.md", table(here, results)))
}

func fromEnv(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 4 {
		t.Fatalf("%s is %q, expected a number of clients of at least 4", name, text)
	}
	return n
}

func (p *proof) machine(t *testing.T, files int) machine {
	node, err := exec.Command("node", "--version").Output()
	check(t, err)
	load, _ := os.ReadFile("/proc/loadavg")
	m := machine{Date: time.Now().Format(time.DateOnly), Cores: runtime.NumCPU(), Files: files,
		Go: runtime.Version(), Node: strings.TrimSpace(string(node)),
		Load: strings.Join(strings.Fields(string(load))[:3], " ")}
	info, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(info)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "MemTotal:" {
			kb, _ := strconv.ParseFloat(words[1], 64)
			m.MemoryGB = round(kb / (1 << 20))
		}
	}
	return m
}
