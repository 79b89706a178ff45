package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each row of docs/compatibility.md, of the list of attacks in docs/security.md and of the promises in
// docs/reliability.md names a test that exists.
func TestTablesNameTests(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\|.*\\| `([^`]+)`: ([^|]+) \\|$")
	for page, start := range map[string]string{
		"docs/compatibility.md": "# Compatibility", "docs/security.md": "## Attacks and faults",
		"docs/reliability.md": "## Promises and their tests",
	} {
		_, text, found := strings.Cut(read(t, page), start+"\n")
		if !found {
			t.Fatalf("%s has no %s", page, start)
		}
		named := rows.FindAllStringSubmatch(text, -1)
		tables := len(regexp.MustCompile(`(?m)^\| --- `).FindAllString(text, -1))
		if lines := strings.Count(text, "\n|") - 2*tables; len(named) != lines {
			t.Errorf("%s: %d of %d rows name a test", page, len(named), lines)
		}
		for _, row := range named {
			if file, name := row[1], strings.TrimSpace(row[2]); !strings.Contains(read(t, file), name) {
				t.Errorf("%s: %s has no test named %s", page, file, name)
			}
		}
	}
}

// All pages and examples call the address of the server and the key of a backend the same.
func TestOneNameForKeyAndAddress(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`\$\{?KEY\b|\bKEY=|\$\{?ROOMCAST\b|\bROOMCAST=|\bROOMCAST_KEY\b|\bAPI_KEY\b`)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "README.md", "compose.yaml", "web/client/README.md",
		"examples/README.md", "examples/nextjs/README.md", "web/console/index.html",
		"web/console/src/curl.ts")
	for _, page := range pages {
		if found := other.FindString(read(t, page)); found != "" {
			t.Errorf("%s has %s, want ROOMCAST_API_KEY or ROOMCAST_URL", page, found)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
