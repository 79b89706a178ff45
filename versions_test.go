package main

import (
	"cmp"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leastVersions reads .ci/least-versions, in which each line has a reason.
func leastVersions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(".ci/least-versions")
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || !regexp.MustCompile(`^(CVE|GHSA|GO)-`).MatchString(fields[2]) {
			t.Fatalf("%q: expected a module, a version, an advisory and what it is about", line)
		}
		least[fields[0]] = fields[1]
	}
	return least
}

// C15: no module with a known advisory is required, nor part of the binary.
func TestLeastVersions(t *testing.T) {
	t.Parallel()
	least := leastVersions(t)
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
		required[m[1]] = m[2]
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || len(info.Deps) == 0 {
		t.Fatal("the binary does not name its modules")
	}
	built := map[string]string{}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		built[m.Path] = m.Version
	}
	for module, version := range least {
		if required[module] == "" {
			t.Errorf("go.mod does not require %s: remove its line from .ci/least-versions", module)
		}
		for where, has := range map[string]string{
			"go.mod": required[module], "the binary": built[module],
		} {
			if has != "" && compareVersions(has, version) < 0 {
				t.Errorf("%s has %s %s, want at least %s", where, module, has, version)
			}
		}
	}
}

// compareVersions compares vX.Y.Z by its numbers; a version with more behind them, such as -rc1, is
// before the one without.
func compareVersions(a, b string) int {
	split := func(v string) (numbers []int, rest string) {
		v, rest, _ = strings.Cut(strings.TrimPrefix(v, "v"), "-")
		for part := range strings.SplitSeq(v, ".") {
			n, _ := strconv.Atoi(strings.TrimSuffix(part, "+incompatible"))
			numbers = append(numbers, n)
		}
		return numbers, rest
	}
	x, restX := split(a)
	y, restY := split(b)
	if restX == "" || restY == "" {
		restX, restY = restY, restX // the one without is after
	}
	return cmp.Or(slices.Compare(x, y), strings.Compare(restX, restY))
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	order := []string{"v0.9.10", "v0.10.0-rc1", "v0.10.0-rc2", "v0.10.0", "v0.10.1", "v1.2.3", "v10.0.0"}
	for i, a := range order {
		for k, b := range order {
			if got, want := compareVersions(a, b), cmp.Compare(i, k); got != want {
				t.Errorf("%s and %s: %d, want %d", a, b, got, want)
			}
		}
	}
}
