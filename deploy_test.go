package main

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/config"
)

// Every stop of a supervisor is longer than the drain, or it would kill the server while it closes
// connections.
func TestSupervisorsWaitForTheDrain(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil, env(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	for file, pattern := range map[string]string{
		"deploy/systemd/roomcast.service": `(?m)^TimeoutStopSec=(\d+)s$`,
		"compose.yaml":                    `stop_grace_period: (\d+)s`,
		"examples/cluster/compose.yaml":   `stop_grace_period: (\d+)s`,
		"docs/install.md":                 `--stop-timeout (\d+)`,
	} {
		if got := seconds(t, file, pattern); got <= c.DrainTimeout {
			t.Errorf("%s waits %v, want more than DRAIN_TIMEOUT, %v", file, got, c.DrainTimeout)
		}
	}
	if start := seconds(t, "deploy/systemd/roomcast.service", `(?m)^TimeoutStartSec=(\d+)s$`); start <= 20*time.Second {
		t.Errorf("TimeoutStartSec=%v, want more than the 20s of a repair", start)
	}
}

// The unit may do little besides serving: systemd rates it with at most 2 of 10.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is missing")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, "security", "--help").CombinedOutput(); err != nil ||
		!strings.Contains(string(out), "--threshold") {
		t.Skip("this systemd-analyze cannot rate a file")
	}
	out, err := exec.CommandContext(ctx, path, "--no-pager", "security", "--offline=true",
		"--threshold=20", "deploy/systemd/roomcast.service").CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

func seconds(t *testing.T, file, pattern string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
	if found == nil {
		t.Fatalf("%s has no %s", file, pattern)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

// The files for operators name only settings that exist.
func TestDeployNamesSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"POD_IP": true} // by the chart itself
	for _, name := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(config.Table(), -1) {
		known[name[1]] = true
	}
	for file, pattern := range map[string]string{
		"Dockerfile":                                  `(?m)^ENV ([A-Z_]+)=`,
		"compose.yaml":                                `(?m)^ {6}([A-Z_]+): `,
		"examples/cluster/compose.yaml":               `(?m)^ {4}([A-Z_]+): |, ([A-Z_]+): `,
		"deploy/systemd/roomcast.service":             `(?m)^Environment=([A-Z_]+)=`,
		"deploy/packages/roomcast.env":                `(?m)^#?([A-Z_]+)=`,
		"deploy/helm/roomcast/templates/_pod.tpl":     `name: ([A-Z_]+)\b|list((?: "[A-Z_]+")+)`,
		"deploy/helm/roomcast/ci/cluster-values.yaml": `(?m)^ {2}([A-Z_]+): `,
	} {
		names := regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1)
		if len(names) == 0 {
			t.Errorf("%s has no settings", file)
		}
		for _, found := range names {
			for _, name := range strings.Fields(strings.ReplaceAll(strings.Join(found[1:], " "), `"`, " ")) {
				if !known[name] {
					t.Errorf("%s names %s, which is no setting", file, name)
				}
			}
		}
	}
}
