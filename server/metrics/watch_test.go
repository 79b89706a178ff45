package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
)

const watchDir = "../../deploy/watch"

// metricNames returns the names of all metrics that a server can have.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	m := New(servertest.NewHub(t))
	m.WatchCluster(nil)
	m.WatchForwards(nil)
	m.WatchReceivers(nil)
	m.WatchTraces(nil)
	m.WatchGate(limit.NewGate(1, nil))
	m.WatchStorage(nil, nil)
	m.WatchCertificate(nil)
	m.SetBuild("", "")
	m.registry.MustRegister(memoryCollector{})
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.registry.Describe(descs)
	}()
	names, name := map[string]bool{}, regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		names[name.FindStringSubmatch(d.String())[1]] = true
	}
	return names
}

var metricName = regexp.MustCompile(`\b(?:roomcast|go|process)_[a-z0-9_]*[a-z0-9]\b`)

// panel is a panel of the dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	var d struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(watchDir, "roomcast-dashboard.json"))), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("the dashboard has no panels")
	}
	return d.Panels
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every metric that the dashboard, the rules and the pages name exists.
func TestNamedMetricsExist(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, name := range []string{
		"../../docs/operations.md", "../../docs/watching.md", watchDir + "/roomcast.rules.yml",
		watchDir + "/roomcast.rules.test.yml",
	} {
		texts[name] = read(t, name)
	}
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			texts["panel "+p.Title] += target.Expr + "\n"
		}
	}
	known := metricNames(t)
	for where, text := range texts {
		for _, name := range metricName.FindAllString(text, -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if !known[name] && !known[base] {
				t.Errorf("%s names %s, which the server does not have", where, name)
			}
		}
	}
}

// docs/operations.md has the alerts of the rules: name, expression and time.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`- alert: (\w+)\n +expr: (.+)\n(?: +for: 1m\n)?`)
	var rules, rows []string
	for _, m := range rule.FindAllStringSubmatch(read(t, watchDir+"/roomcast.rules.yml"), -1) {
		after := ""
		if strings.Contains(m[0], "for: 1m") {
			after = " for a minute"
		}
		rules = append(rules, fmt.Sprintf("| `%s` | `%s`%s | ", m[1], m[2], after))
	}
	row := regexp.MustCompile("(?m)^\\| `Roomcast\\w+` \\| `[^`]+`[^`|]* \\| ")
	rows = row.FindAllString(read(t, "../../docs/operations.md"), -1)
	if len(rules) == 0 || !slices.Equal(rules, rows) {
		t.Errorf("the rules are\n%s\nand the rows of docs/operations.md\n%s", strings.Join(rules, "\n"),
			strings.Join(rows, "\n"))
	}
}

// promtool runs it with arguments, or skips the test.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed; on Debian it is in the package prometheus")
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// Prometheus accepts the rules, and each alert fires when it should.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", watchDir+"/roomcast.rules.yml")
	promtool(t, "test", "rules", watchDir+"/roomcast.rules.test.yml")
}

// Prometheus accepts the queries of the dashboard.
func TestQueriesOfDashboard(t *testing.T) {
	t.Parallel()
	rules := "groups:\n- name: dashboard\n  rules:\n"
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "roomcast", "$instance", ".*")
	n := 0
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			n++
			expr, err := json.Marshal(variables.Replace(target.Expr))
			if err != nil {
				t.Fatal(err)
			}
			rules += fmt.Sprintf("  - record: panel_%d\n    expr: %s\n", n, expr)
		}
	}
	name := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(name, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", name)
}
