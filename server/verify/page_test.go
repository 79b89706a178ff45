package verify

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/verify.md names every fault, and the faults of every proxy that the tests break.
func TestPage(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/verify.md")
	_, list, _ := strings.Cut(page, "## The faults\n")
	list, _, _ = strings.Cut(list, "\n## ")
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(list, -1) {
		for _, name := range regexp.MustCompile("`(.+?)`").FindAllStringSubmatch(row[1], -1) {
			named[name[1]] = true
		}
	}
	want := slices.Sorted(maps.Keys(advices))
	if got := slices.Sorted(maps.Keys(named)); !slices.Equal(got, want) {
		t.Errorf("the page names %q, the advice %q", got, want)
	}

	_, table, _ := strings.Cut(page, "<!-- proxies:start -->\n")
	_, table, _ = strings.Cut(table, "| --- | --- | --- |\n")
	table, _, found := strings.Cut(table, "<!-- proxies:end -->")
	if !found {
		t.Fatal("the page has no table of proxies")
	}
	rows := map[string]string{ // those of tests of their own
		"sends requests to two nodes in turn": "`sticky`", "cuts idle connections": "`idle`",
		"removes Cookie": "`cookie`", "offers no HTTP/2": "`http1`",
	}
	for name, b := range broken {
		rows[name] = "`" + b.fault + "`"
	}
	for name, c := range nginxes {
		if len(c.want) > 0 {
			rows["nginx: "+name] = "`" + strings.Join(c.want, "`, `") + "`"
		}
	}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, " | ")
		name := strings.TrimPrefix(cells[0], "| ")
		if rows[name] != cells[1] {
			t.Errorf("the page says %s of %q, the tests %s", cells[1], name, rows[name])
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("the page has no proxy that %s", name)
	}
}

// The page of each advice exists, with the heading.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for fault, a := range advices {
		file, anchor, _ := strings.Cut(a.Page, "#")
		headings := map[string]bool{"": true}
		for line := range strings.Lines(readFile(t, file)) {
			if text := strings.TrimLeft(line, "#"); text != line {
				words := strings.ToLower(strings.TrimSpace(text))
				headings[strings.ReplaceAll(words, " ", "-")] = true
			}
		}
		if !headings[anchor] {
			t.Errorf("%s: %s has no heading %q", fault, file, anchor)
		}
		for proxy, line := range a.Lines {
			if !slices.Contains(Proxies, proxy) || line == "" {
				t.Errorf("%s: a line %q for %q", fault, line, proxy)
			}
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
